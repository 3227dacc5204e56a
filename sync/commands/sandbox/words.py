"""What people type in the sandbox: stages, statuses, people and records by what they are called, and what is right.

>>> words.of(people.process.names.statuses, "live", "status")     # its internal value, or an error that lists the right ones
>>> words.record(people, "portfolio", "acme")                     # an id, from an id, a name or a part of one
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING

from mappings.names import as_seen, nearly
from sync.commands.sandbox.connection import SandboxError

if TYPE_CHECKING:
    from sync.sandbox.people import RemotePeople

NAMES = {"portfolio": "name", "ticket": "subject", "task": "hs_task_subject", "note": "hs_note_body"}
"""What a record of each kind is called by; of a portfolio in the words of the default."""


def of(options: Iterable[tuple[str, str]], wanted: str, what: str, *, empty: bool = True) -> str:
    """Return the internal value of an option, given by value or label. Raises `SandboxError`, which lists the right ones.

    With `empty` nothing empties the property.
    """
    known = list(options)
    if empty and not wanted.strip():
        return ""
    for value, label in known:
        if as_seen(wanted) in {as_seen(value), as_seen(label)}:
            return value
    raise SandboxError(f"“{wanted}” is no {what} here: {_choice(wanted, [label for _, label in known])}")


def person(people: "RemotePeople", wanted: str) -> str:
    """Return the owner id of a person, given by role, email, id, name or a part of it. Raises `SandboxError`, which lists them.

    A role may be given in the agency's words: its label in the mapping, or the portfolio's property for it.
    """
    roles = people.process.owners
    meant = _role(people, wanted)
    if meant in roles:
        return roles[meant]
    found = people.persons()
    for one in found:
        if as_seen(wanted) in {as_seen(one[key]) for key in ("id", "name", "email")}:
            return str(one["id"])
    parts = [one for one in found if wanted.strip() and as_seen(wanted) in as_seen(one["name"])]
    if len(parts) == 1:
        return str(parts[0]["id"])
    known = [*_roles(people), *roles, *(one["name"] for one in found)]
    raise SandboxError(f"nobody here is “{wanted}”: {_choice(wanted, known)}")


def role(people: "RemotePeople", wanted: str) -> str:
    """Return one of the four roles, given as people call it here. Raises `SandboxError`, which lists them."""
    from sync.sandbox.process import ROLES

    meant = _role(people, wanted)
    if meant in ROLES:
        return meant
    raise SandboxError(f"“{wanted}” is no role: {_choice(wanted, [*_roles(people), *ROLES])}")


def _roles(people: "RemotePeople") -> dict[str, str]:
    """The four roles by what the mapping calls them."""
    return {label: one for one, label in people.process.names.role_labels}


def _role(people: "RemotePeople", wanted: str) -> str:
    """The role that goes by this label, or by this property of a portfolio; else the word as it is."""
    from sync.sandbox.process import ROLES

    called = {**{getattr(people.process.names, one): one for one in ROLES}, **_roles(people)}
    return next((one for name, one in called.items() if as_seen(name) == as_seen(wanted)), wanted)


def record(people: "RemotePeople", kind: str, wanted: str) -> str:
    """Return the id of a record, given by id, name or a part of it. Raises `SandboxError`, which lists those there are."""
    if wanted.isdecimal():
        return wanted
    if kind not in NAMES:
        raise SandboxError(f"“{kind}” is no kind of record here: {_choice(kind, list(NAMES))}")
    called = people.process.names.name if kind == "portfolio" else NAMES[kind]
    names = {one.id: one[called] for one in people.list(kind)}
    whole = [i for i, name in names.items() if as_seen(name) == as_seen(wanted)]
    found = whole or [i for i, name in names.items() if as_seen(wanted) in as_seen(name)]
    if len(found) == 1:
        return found[0]
    if found:
        listed = ", ".join(f"{i} “{names[i]}”" for i in found[:5])
        raise SandboxError(f"{len(found)} {kind}s are called “{wanted}”: give the id of one ({listed})")
    near = get_close_matches(wanted, names.values(), n=1, cutoff=0.5) or nearly(wanted, names.values(), 1)
    hint = f"did you mean “{near[0]}”?" if near else f"`handoffs sandbox show {kind}s` lists them"
    raise SandboxError(f"there is no {kind} “{wanted}”: {hint}")


def properties(people: "RemotePeople", kind: str, values: Mapping[str, str]) -> dict[str, str]:
    """Return these values as the CRM takes them: stages, options and people may be given by what they are called."""
    names = people.process.names
    options = {
        "portfolio": {names.status: names.statuses, names.cadence: names.cadences},
        "ticket": {
            "hs_pipeline_stage": names.stages, names.needs_revisions: names.revisions,
            names.copy_approval: names.approvals, names.graphic_approval: names.approvals,
        },
    }.get(kind, {})  # fmt: skip
    owners = _owner_properties(people, kind)
    made = {}
    for name, value in values.items():
        if options.get(name):
            made[name] = next(
                (v for v, label in options[name] if as_seen(value) in {as_seen(v), as_seen(label)}), value
            )
        elif name in owners and value:
            made[name] = person(people, value)
        else:
            made[name] = value
    return made


def shown(people: "RemotePeople", kind: str) -> dict[str, dict[str, str]]:
    """What a value of a property of this kind is called, by property: for whoever reads a record."""
    names = people.process.names
    persons = {str(one["id"]): f"{one['name']} <{one['email']}>" for one in people.persons()}
    by_owner = dict.fromkeys(_owner_properties(people, kind), persons)
    if kind == "portfolio":
        return {**by_owner, names.status: dict(names.statuses), names.cadence: dict(names.cadences)}
    if kind == "ticket":
        return {**by_owner, "hs_pipeline_stage": dict(names.stages), "hs_pipeline": dict([names.pipeline])}
    return by_owner


def names_of_records(people: "RemotePeople") -> dict[tuple[str, str], str]:
    """What each client and each ticket is called, by kind and id."""
    called = {"portfolio": people.process.names.name, "ticket": NAMES["ticket"]}
    return {(kind, one.id): one[name] for kind, name in called.items() for one in people.list(kind) if one[name]}


def _owner_properties(people: "RemotePeople", kind: str) -> set[str]:
    from sync.sandbox.process import ROLES

    names = people.process.names
    if kind == "portfolio":
        return {getattr(names, one) for one in ROLES} | {"hubspot_owner_id"}
    if kind == "ticket":
        return {names.ticket_copywriter, names.ticket_graphic_designer, "hubspot_owner_id"} - {""}
    return {"hubspot_owner_id"}


def _choice(wanted: str, right: Iterable[str]) -> str:
    known = list(dict.fromkeys(right))
    near = get_close_matches(wanted, known, n=1, cutoff=0.5)
    first = f"did you mean “{near[0]}”? " if near else ""
    return f"{first}There are {', '.join(f'“{one}”' for one in known)}"
