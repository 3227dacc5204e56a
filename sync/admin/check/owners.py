"""The people that the mapping names as fallbacks."""

from collections.abc import Mapping
from difflib import get_close_matches

from mappings.vocabulary import Role
from sync.admin.check.deployment import Deployment, Misfits, Path
from sync.crm import Filter, Kind, Owner


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
        elif not found[0].email:
            misfits.warning(
                key,
                f"{_called(found[0])} has no email address: tasks go there, and emails stay blocked",
                "write a person",
            )
    if deployment.has_object:
        _note_addressless(deployment, misfits, owners)
    active = sum(not owner.archived for owner in owners.values())
    return f"{active} active, {len(owners) - active} deactivated"


def _note_addressless(deployment: Deployment, misfits: Misfits, owners: Mapping[str, Owner]) -> None:
    """Note owners without an address, such as queues, that portfolios name for a role that gets emails."""
    silent = [owner for owner in owners.values() if not owner.archived and not owner.email]
    for role in (Role.ACCOUNT_MANAGER, Role.SOCIAL_AD_SPECIALIST) if silent else ():
        name = deployment.mapping.portfolio.owners[role]
        group = [Filter(name, "IN", values=tuple(owner.id for owner in silent))]
        first = next(deployment.crm.search(Kind.PORTFOLIO, [group], [name]), None)
        if first is not None:
            owner = owners.get(first.properties.get(name, ""), silent[0])
            misfits.warning(
                ("portfolio", "owners", role.value),
                f"{_called(owner)}, whom portfolio {first.id} (and maybe others) names, has no email address: its tasks are "
                "made, and its emails stay blocked",
                "name a person there",
            )


def _called(owner: Owner) -> str:
    return f"{'the queue ' if owner.is_queue else ''}“{owner.name}” ({owner.id})"


def _people(owners: Mapping[str, Owner], named: str) -> list[Owner]:
    """Find who is meant by an owner's id or email, as `portal.py` understands it."""
    return [owner for owner in owners.values() if owner.id == named or owner.email.lower() == named.lower()]
