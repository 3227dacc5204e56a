"""The state of the service itself: one value a name."""

from sqlalchemy import Connection, bindparam
from sqlalchemy.dialects.sqlite import insert

from sync.storage.tables import facts

_FACTS = facts.select().where(facts.c.name.in_(bindparam("wanted", expanding=True)))
_NEW_FACT = insert(facts)
_SET_FACT = _NEW_FACT.on_conflict_do_update(index_elements=[facts.c.name], set_={"value": _NEW_FACT.excluded.value})


def get_fact(connection: Connection, name: str) -> str | None:
    """One value of the service's own state; None where it was never set."""
    return get_facts(connection, name)[0]


def get_facts(connection: Connection, *names: str) -> list[str | None]:
    """Several of them at once, in the order asked for."""
    known = {row.name: str(row.value) for row in connection.execute(_FACTS, {"wanted": names})}
    return [known.get(name) for name in names]


def set_fact(connection: Connection, name: str, value: str) -> None:
    connection.execute(_SET_FACT, {"name": name, "value": value})
