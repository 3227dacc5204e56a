"""Everybody whom the portal names, as passes last read them: so that what is kept can be told with names."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from mappings.names import as_seen
from sync.crm import Owner
from sync.storage.tables import people
from sync.storage.upsert import upsert


@dataclass(frozen=True, slots=True)
class Person:
    """An owner of the CRM; one that has left is not `active`."""

    id: str
    user_id: str
    name: str
    email: str
    active: bool

    def is_called(self, wanted: str) -> bool:
        """Whether this is their id, their email, or (as a person sees it) a part of their name."""
        return wanted == self.id or wanted.lower() == self.email.lower() or as_seen(wanted) in as_seen(self.name)


_ALL = select(people)
_REMEMBER = upsert(people)


def remember(connection: Connection, owners: Iterable[Owner]) -> None:
    """Keep these as they are now; whoever is kept already and not among them stays."""
    known = find(connection)
    changed = [
        one
        for owner in owners
        if (one := Person(owner.id, owner.user_id, owner.name, owner.email, not owner.archived)) != known.get(owner.id)
    ]
    if changed:
        rows = [
            {
                "id": one.id,
                "user_id": one.user_id,
                "name": one.name,
                "email": one.email,
                "active": int(one.active),
            }
            for one in sorted(changed, key=lambda one: one.id)
        ]
        connection.execute(_REMEMBER, rows)


def find(connection: Connection) -> dict[str, Person]:
    """Read everybody who is kept, by the owner's id."""
    return {
        row.id: Person(row.id, row.user_id, row.name, row.email, bool(row.active)) for row in connection.execute(_ALL)
    }
