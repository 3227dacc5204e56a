"""A portal that calls things as a mapping does: the names, values, people and time zone of the sandbox, read from it.

So an agency rehearses with its own words. What a mapping does not say (labels of values, other stages) is made up as it
would be in HubSpot, where a value's label is what people see and the value what the API takes.
"""

import re
from collections.abc import Mapping
from typing import Any

from mappings.schema import ProcessMapping
from mappings.vocabulary import Revision, Role, Status, TaskKind
from sync.sandbox.process import Names, Option, same
from sync.sandbox.schema import Account, Owner
from sync.sandbox.seed import PEOPLE

_OBJECT_ID = re.compile(r"[0-9]+-[0-9]+")
_FULL_NAME = re.compile(r"p([0-9]+)_(\w+)", re.ASCII)
_FIRST_ID = 880_001


def account_of(mapping: ProcessMapping) -> Account:
    """The account in which the mapping fits: its time zone, and the portal of a fully qualified name."""
    full = _FULL_NAME.fullmatch(mapping.portfolio.object)
    plain = Account(time_zone=mapping.time_zone)
    return plain if full is None else Account(portal_id=int(full[1]), time_zone=mapping.time_zone)


def names_of(mapping: ProcessMapping) -> Names:
    """What the portal calls things so that the mapping fits it."""
    portfolio, ticket = mapping.portfolio, mapping.ticket
    names, of_ticket = portfolio.properties, ticket.properties
    roles = {role.value: portfolio.owners[role] for role in Role}
    owners = {role.value: name for role, name in ticket.owners.items()}
    values: dict[str, Any] = {
        **_object(portfolio.object),
        "name": names.name,
        "status": names.status,
        "date": names.refresh_date,
        "cadence": names.cadence,
        "link": names.ad_lab_link,
        **roles,
        "statuses": same(*(portfolio.statuses[status] for status in Status if status in portfolio.statuses)),
        "cadences": same(*mapping.cadence.values),
        **_pipeline(ticket.pipeline, ticket.in_progress, ticket.pending_approval),
        "folder": of_ticket.folder,
        "needs_revisions": of_ticket.needs_revisions,
        "copy_approval": of_ticket.copy_approval,
        "graphic_approval": of_ticket.graphic_approval,
        "ticket_copywriter": owners.get(Role.COPYWRITER.value, ""),
        "ticket_graphic_designer": owners.get(Role.GRAPHIC_DESIGNER.value, ""),
        "revisions": same(*(ticket.revisions[one] for one in Revision if one in ticket.revisions)),
        "approvals": same(
            *dict.fromkeys(filter(None, (ticket.approval_reset, "Not Started", "Team Lead QA", ticket.approved)))
        ),
        "implement_subject": _plain_subject(mapping.tasks[TaskKind.IMPLEMENT].subject),
        "task_property": mapping.task.key_property,
        "role_labels": tuple((role.value, mapping.roles[role].label) for role in Role),
        "condition": tuple((one.property, one.values) for one in portfolio.condition),
    }
    return Names(**values)


def stand_ins(mapping: ProcessMapping, known: Mapping[str, Owner]) -> list[Owner]:
    """The people whom the mapping names as stand-ins, and whom the portal does not have yet."""
    emails = {owner.email.lower() for owner in known.values()}
    wanted = dict.fromkeys(role.fallback_owner for role in mapping.roles.values() if role.fallback_owner is not None)
    made = []
    for n, one in enumerate(wanted):
        if one in known or one.lower() in emails:
            continue
        by_id = one.isdecimal()
        email = f"owner.{one}@agency.example" if by_id else one.lower()
        first, _, last = email.partition("@")[0].replace(".", " ").title().partition(" ")
        number = len(PEOPLE) + n
        made.append(Owner(one if by_id else str(51_000_011 + 7 * number), email, first, last, 60_000_001 + number))
    return made


def _object(wanted: str) -> dict[str, str]:
    if _OBJECT_ID.fullmatch(wanted):
        return {"object_type_id": wanted}
    full = _FULL_NAME.fullmatch(wanted)
    name = (
        full[2] if full is not None else re.sub(r"\W+", "_", wanted.lower(), flags=re.ASCII).strip("_") or "portfolios"
    )
    label = (name if full is not None or name == wanted else wanted).replace("_", " ").strip()
    label = label.title() if label.islower() else label
    return {
        "object_name": name,
        "object_label": label.removesuffix("s"),
        "object_plural": f"{label.removesuffix('s')}s",
    }


def _pipeline(pipeline: str, in_progress: str, pending: str) -> dict[str, object]:
    """The pipeline and its stages, each under the id or the label that the mapping gives."""
    ids = iter(str(number) for number in range(_FIRST_ID, _FIRST_ID + 100))

    def option(named: str, label: str) -> Option:
        return (named, label) if named.isdecimal() else (next(one for one in ids if one not in given), named)

    given = {pipeline, in_progress, pending}
    middle = (option(in_progress, "In Progress"), option(pending, "Pending Approval"))
    taken = {label.casefold() for _, label in middle}
    first, *rest = (option(label, "") for label in ("New", "Approved", "Closed"))
    around = [one if one[1].casefold() not in taken else (one[0], f"{one[1]} (other)") for one in (first, *rest)]
    return {"pipeline": option(pipeline, "Deliverables"), "stages": (around[0], *middle, *around[1:])}


def _plain_subject(template: str) -> str:
    """The subject as somebody types it by hand: without what the template fills in."""
    return " ".join(re.sub(r"\{[{%].*?[%}]\}", "", template).split()).rstrip(" :,–-") or "Implement"
