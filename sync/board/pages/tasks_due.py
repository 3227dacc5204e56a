"""The days on which tasks are due that the service has made and somebody is to do now. Pure."""

from collections.abc import Iterable, Iterator
from datetime import date

from mappings.schema import Party, ProcessMapping
from mappings.vocabulary import TaskKind
from sync.clock import local_date
from sync.storage.ledger.log import LogEntry, LoggedEffect
from sync.storage.waits import Turn

_STANDS = {"open", "done"}
"""States of an occurrence that was not overtaken."""


def tasks_due(entries: Iterable[LogEntry], turn: Turn | None, mapping: ProcessMapping) -> Iterator[tuple[date, str]]:
    """Tell each task of the handoff that has passed the work on, with the day on which it is due, by the mapping.

    `entries`: of the cycle that goes on. Nobody is told whether a person has ticked a task: while the client has the turn, the
    Account Manager's is done.
    """
    if turn is None or turn.party is Party.CLIENT:
        return
    mine = [one for one in entries if one.state in _STANDS]
    closed = {effect.what.removeprefix("close ") for one in mine for effect in one.effects if effect.state == "done"}
    for one in mine:
        for effect in one.effects if one.handoff is turn.after else ():
            if effect.task_kind and effect.state == "done" and effect.crm_id not in closed:
                whose = f", {effect.person}" if effect.person else ""
                yield _day(effect, mapping), f"{effect.what} is due{whose}"


def _day(effect: LoggedEffect, mapping: ProcessMapping) -> date:
    kind, made = TaskKind(effect.task_kind), local_date(effect.at, mapping.zone)
    latest = date.fromisoformat(effect.refresh_date) if kind is TaskKind.KICKOFF and effect.refresh_date else None
    return local_date(mapping.due(kind, made, latest), mapping.zone)
