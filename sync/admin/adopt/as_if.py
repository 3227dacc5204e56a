"""Contexts as they would be if the service had been there before: the rules then say what it would have done. Pure."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from mappings.vocabulary import Revision, Status
from sync.clock import from_ms
from sync.rules.context import Context
from sync.rules.model import History, Ticket, Version


def cycle_started(context: Context) -> datetime:
    """When the current cycle began; the beginning of time for the first cycle that is known."""
    return context.cycle_started or from_ms(0)


def cycle_began(context: Context) -> datetime:
    """From when on everything belongs to the current cycle: just after the version that began it."""
    started = context.cycle_started
    return from_ms(0) if started is None else started + timedelta(milliseconds=1)


def there_since_cycle_began(context: Context) -> Context:
    """The context as if the service had gone live when the cycle began."""
    return replace(context, times=replace(context.times, go_live=cycle_began(context)))


def before_what_may_be_taken_back(context: Context) -> Context:
    """The context as if the closing version that may still be taken back had not been set; the same where there is none."""
    ending = context.settling
    if ending is None:
        return context
    portfolio = context.portfolio
    history = tuple(version for version in portfolio.status_history if version.at < ending.version.at)
    status = history[0].value if history else None
    name, raw = context.mapping.portfolio.properties.status, context.mapping.portfolio.raw_status(status)
    before = replace(portfolio, status=status, status_history=history, raw={**portfolio.raw, name: raw})
    return replace(context, snapshot=replace(context.snapshot, portfolio=before))


def with_date(context: Context, when: date) -> Context:
    """The context as if the cycle had not gone on yet and its Refresh Date were `when`, today or in the past."""
    portfolio = replace(context.portfolio, status=None, refresh_date=when)
    times = replace(context.times, go_live=cycle_began(context), today=max(when, context.times.today))
    return replace(context, snapshot=replace(context.snapshot, portfolio=portfolio), times=times)


def with_status(context: Context, status: Status, history: History[Status | None] | None = None) -> Context:
    """The context as if the service had been there since the cycle began, and this were its status.

    `history`: the status's versions that are to be seen, newest first; None: all of them.
    """
    began = there_since_cycle_began(context)
    portfolio = replace(began.portfolio, status=status)
    if history is not None:
        portfolio = replace(portfolio, status_history=history)
    return replace(began, snapshot=replace(began.snapshot, portfolio=portfolio))


def with_revision(context: Context, ticket: Ticket, version: Version[Revision | None]) -> Context:
    """The context of this ticket alone, as if the version were the first that the service saw."""
    snapshot = replace(context.snapshot, tickets=(ticket,))
    return replace(context, snapshot=snapshot, times=replace(context.times, go_live=version.at))
