"""Does the mapping fit the live portal, and can the service do its work there? Compares everything, changes nothing.

Every misfit says where its cause stands, in the mapping (file, line, key) or the settings, and how to mend it. What the
portal is compared with is what the service relies on: its rules, the snapshot, the portal's pipeline and the effects.

Each area is a function that notes misfits and returns what there is to say where all is well. They stand in `portal`,
`records` (the portfolio's object, the properties of portfolios, tickets and tasks, associations), `pipeline`, `owners`,
`rules` (an admin's), `words` (the mapping's own texts), `rehearsal` (every kind of call, on records that are there),
`scopes`, `email` and `webhooks`; `properties` compares single properties and their values. `report` is what comes of it.
"""

from collections.abc import Callable

from mappings.load import Places
from mappings.schema import ProcessMapping
from sync.admin.check import email, owners, pipeline, portal, records, rehearsal, rules, scopes, webhooks, words
from sync.admin.check.deployment import Deployment, Misfits, Probe, SkippedError
from sync.admin.check.report import Area, Cause, CheckReport, Misfit, Severity
from sync.clock import Clock
from sync.crm import CRMReader
from sync.errors import AuthenticationError, CRMRejectedError, CRMUnavailableError
from sync.passes.email import MailServer
from sync.settings import Settings

__all__ = ["Area", "Cause", "CheckReport", "Misfit", "Severity", "check"]

Compare = Callable[[Deployment, Misfits], str]

AREAS: tuple[tuple[str, str, Compare], ...] = (
    ("portal", "read the account's details", portal.compare),
    ("object", "read the object's schema", records.portfolio_object),
    ("portfolio", "read the portfolio's properties", records.portfolio),
    ("ticket", "read the ticket's properties", records.ticket),
    ("pipeline", "read the ticket pipelines", pipeline.compare),
    ("task", "read the task's properties", records.task),
    ("associations", "read association types", records.associations),
    ("owners", "read owners", owners.compare),
    ("rules", "read validation rules", rules.compare),
    ("texts", "read the portal's labels", words.compare),
    ("rehearsal", "", rehearsal.compare),
    ("scopes", "", scopes.compare),  # after all that meets a missing one
    ("email", "", email.compare),
    ("webhooks", "", webhooks.compare),
)
"""Each area by name, with what it needs a scope for ('': it says that itself)."""

_MUST_FIT = {"object", "portfolio", "ticket", "pipeline", "task"}
"""Where one of these is wrong, no pass begins, and reading as a pass does would fail for a reason that is known."""


def check(
    *,
    crm: CRMReader,
    mapping: ProcessMapping,
    places: Places,
    settings: Settings,
    mail_server: MailServer | None,
    clock: Clock,
    probe: Probe,
) -> CheckReport:
    """Compare everything, and change nothing: no email is sent, either.

    Raises only where nothing at all can be seen of the portal.

    That is an `AuthenticationError` for a refused token, and `CRMUnavailableError` where the first call gets no answer.
    """
    deployment = Deployment(crm, mapping, settings, mail_server, clock, probe)
    misfits = Misfits(places)
    areas: list[Area] = []
    for name, purpose, compare in AREAS:
        note = _compared(deployment, misfits, purpose, compare, first=not areas)
        areas.append(Area(name, note, misfits.take()))
        if name in _MUST_FIT:
            deployment.fits &= not any(one.severity is Severity.ERROR for one in areas[-1].misfits)
    return CheckReport(tuple(areas))


def _compared(deployment: Deployment, misfits: Misfits, purpose: str, compare: Compare, *, first: bool) -> str | None:
    try:
        return compare(deployment, misfits)
    except AuthenticationError as error:
        misfits.not_permitted(purpose, error)
    except CRMUnavailableError as error:
        if first:
            raise
        misfits.setting("HUBSPOT_BASE_URL", str(error), "run the check again", cause=Cause.UNREACHABLE)
    except CRMRejectedError as error:
        misfits.setting("HUBSPOT_ACCESS_TOKEN", str(error), "ask HubSpot's support, with the correlation id")
    except SkippedError:
        pass
    return None
