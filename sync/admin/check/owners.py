"""The people that the mapping names as fallbacks."""

from collections.abc import Mapping
from difflib import get_close_matches

from sync.admin.check.deployment import Deployment, Misfits, Path
from sync.crm import Owner


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Look for every fallback owner among the active ones."""
    owners = deployment.crm.owners()
    for role, about in deployment.mapping.roles.items():
        if about.fallback_owner is None:
            continue
        named = about.fallback_owner
        found = _people(owners, named)
        key: Path = ("roles", role.value, "fallback_owner")
        near = get_close_matches(named.lower(), [owner.email.lower() for owner in owners.values()], n=1)
        if not found:
            misfits.error(
                key,
                f"the portal has no owner “{named}”",
                f"write {near[0]}?" if near else "write the email or id of an owner (Settings > Users & Teams)",
            )
        elif all(owner.archived for owner in found):
            misfits.error(key, f"{found[0].name} ({named}) is deactivated", "write somebody who is active")
    active = sum(not owner.archived for owner in owners.values())
    return f"{active} active, {len(owners) - active} deactivated"


def _people(owners: Mapping[str, Owner], named: str) -> list[Owner]:
    """Find who is meant by an owner's id or email, as `portal.py` understands it."""
    return [owner for owner in owners.values() if owner.id == named or owner.email.lower() == named.lower()]
