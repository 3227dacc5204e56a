"""The account: its time zone, and whether the service can tell its own changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sync.admin.check.deployment import Deployment, Misfits, Path
from sync.admin.check.report import Severity

_ZONE_DAYS = 800


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Compare the portal's time zone with the mapping's."""
    account = deployment.crm.account()
    key: Path = ("time_zone",)
    mine = deployment.mapping.time_zone
    if not account.time_zone:
        misfits.warning(key, "HubSpot does not tell the portal's time zone", "compare it by hand (Account Defaults)")
    elif not _same_time(mine, account.time_zone, deployment.clock.now()):
        misfits.error(
            key,
            f"the portal's time zone is {account.time_zone}, not {mine}: the day would begin at another hour than "
            "people see",
            f"write {account.time_zone}, or change the portal's (Settings > Account Defaults)",
        )
    if account.kind not in {"", "STANDARD"}:
        misfits.setting(
            "HUBSPOT_ACCESS_TOKEN",
            f"portal {account.portal_id} is no production account, but one of the kind {account.kind}",
            "nothing, if you are trying things out; for the real one set its token, and another DATABASE_URL",
            severity=Severity.WARNING,
        )
    if deployment.settings.hubspot_app_id is None:
        misfits.setting(
            "HUBSPOT_APP_ID",
            "is not set: the service cannot tell its own changes from those of other integrations",
            "set it to the id of the HubSpot app",
            severity=Severity.WARNING,
        )
    return f"{account.portal_id}, {account.time_zone or 'time zone unknown'}"


def _same_time(one: str, other: str, now: datetime) -> bool:
    """Say whether two zones show the same time, by whatever names: today and for the next two years."""
    if one == other:
        return True
    try:
        first, second = ZoneInfo(one), ZoneInfo(other)
    except (OSError, ValueError, KeyError):
        return False
    start = now.astimezone(UTC)
    days = (start + timedelta(days=n) for n in range(_ZONE_DAYS))
    return all(day.astimezone(first).utcoffset() == day.astimezone(second).utcoffset() for day in days)
