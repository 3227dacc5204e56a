"""The scopes of the app: every kind of call that the service makes is tried, so that a missing one is named."""

from collections.abc import Callable, Iterator

from sync.admin.check.deployment import Deployment, Misfits
from sync.admin.check.report import Cause
from sync.crm import CRMReader, Kind
from sync.errors import AuthenticationError

NO_RECORD = "1"
"""An id for a read that is only to be permitted; whether the record exists does not matter."""


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Try reads and empty writes, and report each missing scope, those that other areas met included."""
    tries: list[tuple[str, Callable[[], object]]] = [
        (f"{verb} {kind}s", act)
        for kind in (Kind.PORTFOLIO, Kind.TICKET, Kind.TASK, Kind.NOTE)
        if kind is not Kind.PORTFOLIO or deployment.has_object
        for verb, act in _acts(deployment.crm, kind)
    ]
    for purpose, act in tries:
        try:
            act()
        except AuthenticationError as error:
            misfits.not_permitted(purpose, error)
    for scope, purposes in misfits.refused.items():
        needed = ", ".join(dict.fromkeys(purposes))
        misfits.setting(
            "HUBSPOT_ACCESS_TOKEN",
            f"the app lacks the scope {scope}, needed to {needed}" if scope else f"the app may not {needed}",
            f"add {scope or 'the scope'} to `requiredScopes` of the app (`handoffs subscriptions` writes them all), "
            "upload it, and install it again",
            cause=Cause.AUTHENTICATION,
        )
    return "every kind of call is permitted"


def _acts(crm: CRMReader, kind: Kind) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "read", lambda: crm.read(kind, [NO_RECORD], [])
    if kind is not Kind.NOTE:
        yield "change", lambda: crm.check_write_access(kind)
