"""The days on which tasks are due that the service has made and somebody is to do now. Pure."""

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date

from mappings.schema import Party, ProcessMapping
from mappings.vocabulary import TaskKind
from sync.clock import local_date
from sync.storage.ledger.log import LogEntry, LoggedEffect
from sync.storage.waits import Turn

_STANDS = {"open", "done"}
"""States of an occurrence that was not overtaken."""


def tasks_due(
    entries: Iterable[LogEntry], turn: Turn | None, ready: Collection[str], mapping: ProcessMapping
) -> list[tuple[date, str]]:
    """Tell the tasks of the handoff that has passed the work on, by the day on which they are due by the mapping.

    `entries`: of the cycle that goes on; `ready`: the tickets of which nothing is to be done. Nobody is told whether a person has
    ticked a task: while the client has the turn, the Account Manager's is done.
    """
    if turn is None or turn.party is Party.CLIENT:
        return []
    mine = [one for one in entries if one.state in _STANDS]
    closed = {effect.what.removeprefix("close ") for one in mine for effect in one.effects if effect.state == "done"}
    found = Counter(
        (_day(effect, mapping), effect.what.removeprefix("task "), effect.person)
        for one in mine
        if one.handoff is turn.after and one.record.id not in ready
        for effect in one.effects
        if effect.task_kind and effect.state == "done" and effect.crm_id not in closed
    )
    return [(day, _told(what, person, number)) for (day, what, person), number in sorted(found.items())]


def _told(what: str, person: str, number: int) -> str:
    whose = f" ({person})" if person else ""
    return f"{number} tasks due: {what}{whose}" if number > 1 else f"task due: {what}{whose}"


def _day(effect: LoggedEffect, mapping: ProcessMapping) -> date:
    kind, made = TaskKind(effect.task_kind), local_date(effect.at, mapping.zone)
    latest = date.fromisoformat(effect.refresh_date) if kind is TaskKind.KICKOFF and effect.refresh_date else None
    return local_date(mapping.due(kind, made, latest), mapping.zone)
