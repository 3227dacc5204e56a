"""What a decline and a closing share: both end a cycle and move the date."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from mappings.vocabulary import Handoff, Status
from sync.clock import CLOCKS_APART, to_ms
from sync.crm import RecordRef
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.cycle import Ending
from sync.rules.handoffs.verdicts import due, recorded_as_done, recorded_superseded, waiting
from sync.rules.handoffs.wording import duration_text, status_name, time_text
from sync.rules.keys import START, ClosedByTaskKey, ClosedKey, DeclinedKey, EffectKind
from sync.rules.model import (
    MONTH_DAY,
    NEXT_DATE,
    RECOVERED,
    CloseTask,
    EffectState,
    OwnTask,
    RecordedOccurrence,
    Verdict,
    Write,
)


def tasks_of_cycle(context: Context, cycle: str, on: Collection[RecordRef] | None = None) -> list[str]:
    """The tasks that the service itself made in a cycle, by any handoff (for these records); adopted ones are people's."""
    found = []
    for recorded in context.ledger.recorded.values():
        if recorded.cycle != cycle or (on is not None and recorded.record not in on):
            continue
        found += _own_tasks(recorded)
    return sorted(found, key=int)


def tasks_to_end(context: Context, ending: Ending, handoff: Handoff | None = None) -> list[str]:
    """The tasks that an ending which no other ledger has carried out is to close, where they are open.

    They are those of its cycle, by any handoff or by this one, and those that a merge has brought along before it was
    carried out, if they had been made when it was set (docs/process.md M.9).
    """
    cycle = context.cycle_ended_by(ending)
    found = []
    for recorded in context.ledger.recorded.values():
        brought = recorded.joined_at is not None and recorded.decided_at < ending.closing.at < recorded.joined_at
        if (brought or recorded.cycle == cycle) and handoff in {None, recorded.handoff}:
            found += _own_tasks(recorded)
    return sorted(found, key=int)


def newest_tasks(context: Context, handoff: Handoff) -> list[str]:
    """The newest task that a handoff made in the running cycle, and that of each merged record.

    Without those that an ending has closed, or is still to close: what a merge has brought along since it was set ends
    with it (docs/process.md M.9).
    """
    ended = {task for ending in context.pending for task in tasks_to_end(context, ending)}
    endings = (recorded for number in (Handoff.DECLINED, Handoff.CLOSE) for recorded in context.ledger.of(number))
    ended |= {task for recorded in endings for task in _closes(recorded)}
    return [task for task in context.newest_tasks_made(handoff, context.cycle) if task not in ended]


def _closes(recorded: RecordedOccurrence) -> list[str]:
    """The tasks (ids) that this has closed, or is still to close."""
    closes = (effect for effect in recorded.effects if effect.kind is EffectKind.CLOSE)
    return [effect.slot.of for effect in closes if effect.state is not EffectState.SUPERSEDED]


def _own_tasks(recorded: RecordedOccurrence) -> list[str]:
    return [task for effect in recorded.effects if (task := effect.own_task) is not None]


def to_close(context: Context, ending: Ending, tasks: Iterable[str]) -> list[OwnTask]:
    """Those of these tasks that this ending closes: what is opened again, or came into the cycle later, is somebody's wish."""
    known = context.ledger.recorded.get(context.ledger.text_of(context.ending_key(ending)))
    slots = None if known is None else {effect.slot for effect in known.effects}
    wanted = [task for task in tasks if slots is None or keys.close_slot(task) in slots]
    return context.tasks_open_since(wanted, ending.closing.at)


def ended_before(context: Context, ending: Ending, what: str, tasks: Iterable[str]) -> Verdict:
    """An ending that a ledger since lost has carried out, but perhaps for the last of these tasks, which it was to close."""
    key, reason = context.ending_key(ending), f"{what} before this ledger began"
    left = [CloseTask(task.id, reason) for task in context.tasks_open_since(tasks, ending.closing.at)]
    if not left:
        return recorded_as_done(context, key, reason, ending.closing.at)
    cycle = context.cycle_ended_by(ending)
    return due(context, key, reason, left, cause_at=ending.closing.at, cycle=cycle)


def last_reset(context: Context) -> RecordedOccurrence | None:
    """The closing that began the current cycle, if handoff 8 carried it out."""
    last = context.closings[-1] if context.closings else None
    if last is None or last.by is not Status.CREATIVES_IMPLEMENTED:
        return None
    return context.ledger.settled(ClosedKey(context.portfolio.id, to_ms(last.at)))


def is_left_over(context: Context) -> bool:
    """Whether the status is still that of the cycle before, which the next kickoff empties (docs/process.md 1.8).

    Of a closing that was carried out it is left where the mapping did not name it then: nobody touches a word that may be
    a person's, and once the mapping names it, it is the very version that has closed the cycle (8.14, F.5).
    """
    status, history = context.portfolio.status, context.portfolio.status_history
    if status is not Status.CREATIVES_IMPLEMENTED:
        return status is Status.NO_REFRESH_REQUESTED
    stands = context.endings[-1] if context.endings else None
    carried_out = last_reset(context) is not None and not context.pending and context.settling is None
    return carried_out and stands is not None and history[0].value is status and stands.closing == context.closings[-1]


def was_recovered(context: Context, ending: Ending) -> bool:
    """Whether the CRM shows that a ledger since lost has carried out this ending (docs/process.md G.8, G.13)."""
    return bool(_begun_after(context, ending)) or _has_moved_the_date(context, ending)


def _begun_after(context: Context, ending: Ending) -> list[datetime]:
    """When tasks that were taken back, of later cycles and of a handoff that waits until all before it has ended, were made."""
    taken_back = (
        (keys.parse(recorded.key).cycle_told, recorded.decided_at)
        for handoff in (Handoff.KICKOFF, Handoff.DATE_ARRIVED)
        for recorded in context.ledger.of(handoff)
        if RECOVERED in recorded.detail and not context.ledger.is_other(recorded.key)
    )
    return [at for cycle, at in taken_back if cycle != START and int(cycle) >= ending.version.ms]


def _has_moved_the_date(context: Context, ending: Ending) -> bool:
    """Whether the history shows a move of the date that the service has made for this ending.

    The CRM's clock may be ahead of ours, so that this may seem to be later than the new ledger's beginning; unless the
    new ledger has moved the date itself.
    """
    ended = [recorded for number in (Handoff.DECLINED, Handoff.CLOSE) for recorded in context.ledger.of(number)]
    moved = any(
        e.kind is EffectKind.WRITE and e.attempted
        for recorded in ended
        if not isinstance(keys.parse(recorded.key), ClosedByTaskKey)
        for e in recorded.effects
    )
    slack = timedelta() if moved else CLOCKS_APART
    moves = [
        version.at
        for version in reversed(context.portfolio.date_history)
        if version.own and context.times.is_older_than_ledger(version.at - slack)
    ]
    for one in context.endings:  # each has moved the date once, the oldest first
        if not context.counts(one.version, context.portfolio.status_history):
            continue
        while moves and moves[0] <= one.closing.at:
            del moves[0]
        if one == ending:
            return bool(moves)
        # Of a merged record nobody may know the move any more (M.8): it came before whatever has begun since.
        begun = _begun_after(context, one)
        if moves and (not begun or moves[0] <= min(begun)):
            del moves[0]
    return False


def date_write(context: Context, more: dict[str, str]) -> tuple[Write, dict[str, object]]:
    """The move of the Refresh Date, with whatever else goes into the same write; and what the ledger remembers of it."""
    names, raw = context.mapping.portfolio.properties, context.portfolio.raw
    expects = {name: raw.get(name, "") for name in (names.refresh_date, names.status)}
    following = context.next_refresh()
    if following is None:
        reason = (
            f"the cadence “{context.portfolio.cadence}” is not in the mapping (cadence.values): add it or change it"
        )
        return Write(context.portfolio.ref, more, expects, blocked=reason), {NEXT_DATE: None}
    day = following.date.isoformat()
    detail: dict[str, object] = {NEXT_DATE: day}
    if following.month_day is not None:
        detail[MONTH_DAY] = following.month_day
    return Write(context.portfolio.ref, {names.refresh_date: day, **more}, expects), detail


def after_ending(context: Context, handoff: Handoff) -> Verdict:
    """The date still belongs to the cycle before: what hangs on it waits until that cycle's end is carried out."""
    number = "2a" if context.pending[0].closing.by is Status.NO_REFRESH_REQUESTED else "8"
    return waiting(context, handoff, f"handoff {number} of the cycle before comes first: it moves the date", None)


def until_settled(context: Context, handoff: Handoff) -> Verdict | None:
    """Nothing that hangs on the status is decided while it may be a wrong pick; None: it is none, or counts by now."""
    ending = context.settling
    if ending is None:
        return None
    reason = (
        f"{status_name(context, ending.closing.by)} was set on {time_text(context, ending.closing.at)}: "
        f"it counts once it has stood for {duration_text(context.settle)}"
    )
    return waiting(context, handoff, reason, context.by_our_clock(context.counts_at(ending.closing.at)))


def slips(context: Context, form: type[DeclinedKey | ClosedKey]) -> Iterator[Verdict]:
    """Record the closing versions of one status that were changed again too soon, so that they stay slips."""
    by = Status.NO_REFRESH_REQUESTED if form is DeclinedKey else Status.CREATIVES_IMPLEMENTED
    for slip in context.closing_versions.slips:
        version, key = slip.version, form(context.portfolio.id, slip.version.ms)
        fresh = context.ledger.settled(key) is None
        if version.value is by and fresh and context.counts(version, context.portfolio.status_history):
            stood = duration_text(slip.until - version.at)
            reason = (
                f"{status_name(context, by)} was set on {time_text(context, version.at)} and changed again after {stood}: "
                "a slip, which ends nothing"
            )
            yield recorded_superseded(context, key, reason, version.at)
