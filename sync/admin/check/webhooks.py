"""The way by which webhooks arrive."""

from sync.admin.check.deployment import Deployment, Misfits, SkippedError
from sync.admin.check.report import Cause, Severity
from sync.admin.probe import target


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Compare the settings of webhooks with each other, and probe the receiver at PUBLIC_URL.

    A misfit is a warning only: the poll does the work of webhooks, and in a release step nothing may be running yet.
    """
    url, secrets = deployment.settings.public_url, deployment.settings.hubspot_client_secret
    if url is None and not secrets:
        misfits.setting(
            "PUBLIC_URL",
            f"is not set: no webhooks, changes are found by the poll every {deployment.settings.poll_seconds} s",
            "if that is not meant, set PUBLIC_URL and HUBSPOT_CLIENT_SECRET",
            severity=Severity.WARNING,
        )
        return "none"
    if url is None or not secrets:
        misfits.setting(
            "HUBSPOT_CLIENT_SECRET" if url else "PUBLIC_URL",
            f"is not set, but {'PUBLIC_URL' if url else 'HUBSPOT_CLIENT_SECRET'} is: the receiver does not start",
            "set both, or neither to live by the poll alone",
            cause=Cause.FAILED,
        )
        raise SkippedError
    found = deployment.probe(url, secrets[0].get_secret_value(), deployment.clock)
    if found is not None:
        severity = Severity.ERROR if found.dangerous else Severity.WARNING
        misfits.setting("PUBLIC_URL", found.problem, found.remedy, severity=severity, cause=Cause.FAILED)
    return f"{target(url)} takes what HubSpot signs"
