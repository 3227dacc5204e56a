"""Adopt what the Refresh Date has brought about in the current cycle: handoffs 1 and 3."""

from datetime import date, datetime

from mappings.vocabulary import Status, TaskKind
from sync.admin.adopt.as_if import cycle_started, with_date
from sync.admin.adopt.recorder import Recorder
from sync.admin.inventory import ExistingTask
from sync.clock import from_ms
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.handoffs.date_arrived import date_arrived
from sync.rules.handoffs.kickoff import kickoff
from sync.rules.handoffs.verdicts import EARLY
from sync.rules.keys import KickoffKey
from sync.rules.model import NewTask, Occurrence


def adopt_dates(recorder: Recorder) -> None:
    """Record the kickoff and each arrived date whose task is there, or that the status shows to be past."""
    portfolio, today = recorder.context.portfolio, recorder.context.times.today
    if portfolio.refresh_date is None:
        return
    occurrence = recorder.first_new(kickoff(with_date(recorder.context, portfolio.refresh_date)))
    if occurrence is not None:
        key = keys.parse(occurrence.key)
        assert isinstance(key, KickoffKey)
        anchor = from_ms(key.anchor)  # older tasks were for a date that was moved away
        since = max(anchor, cycle_started(recorder.context))
        task = recorder.free.take(TaskKind.KICKOFF, lambda task: task.made_at >= since)
        near = (portfolio.refresh_date - today).days <= recorder.context.window
        _record(recorder, occurrence, task, passed=near and portfolio.status is not Status.NO_REFRESH_REQUESTED)
    _arrivals(recorder, portfolio.refresh_date)
    if portfolio.refresh_date <= today:
        occurrence = recorder.first_new(date_arrived(with_date(recorder.context, portfolio.refresh_date)))
        if occurrence is not None:
            _record(recorder, occurrence, None, passed=portfolio.status not in EARLY)


def _arrivals(recorder: Recorder, current: date) -> None:
    """Each task for the SAS is of the date that stood when it was made."""

    def fits(task: ExistingTask) -> bool:
        return task.made_at >= cycle_started(recorder.context)

    unasked: list[ExistingTask] = []
    while (task := recorder.free.take(TaskKind.CREATE_TICKETS, fits)) is not None:
        when = _date_at(recorder.context, task.made_at) or current
        occurrence = recorder.first_new(date_arrived(with_date(recorder.context, when)))
        if occurrence is None:
            unasked.append(task)
        else:
            _record(recorder, occurrence, task, passed=False)
    recorder.free.put_back(unasked)


def _record(recorder: Recorder, occurrence: Occurrence, task: ExistingTask | None, *, passed: bool) -> None:
    """With a task it is done; without one it is if the status that stood when going live says so."""
    if task is not None:
        effect = next(effect for effect in occurrence.effects if isinstance(effect, NewTask))
        recorder.record(occurrence, [(effect, task)], "its task was there already")
        return
    portfolio = recorder.context.portfolio
    status, history = portfolio.status, portfolio.status_history
    if passed and status not in {None, Status.UNMAPPED} and history and recorder.is_old(history[0].at):
        raw = recorder.context.mapping.portfolio.raw_status(status)
        recorder.record(occurrence, [], f"the status had moved on to “{raw}”")


def _date_at(context: Context, moment: datetime) -> date | None:
    """The Refresh Date as it stood then; None where the history does not reach back, or there was none."""
    history = context.portfolio.date_history
    return next((version.value for version in history if version.at <= moment), None)
