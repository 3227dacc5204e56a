"""What the weekly letter says, out of what the database keeps.

It says to those who run the process, of a week that begins, what the board's pages and `handoffs report` would.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from mappings.letter import LISTED
from mappings.schema import ProcessMapping
from mappings.vocabulary import Role, Step
from sync.clock import local_date, start_of_day
from sync.reports import words
from sync.reports.cycles import Lead
from sync.reports.figures import Figures
from sync.reports.report import Wanted, read_figures
from sync.reports.statistics import Summary
from sync.rules.letter import week_of
from sync.storage import portfolios
from sync.storage.database import Connection
from sync.storage.portfolios import KeptPortfolio

if TYPE_CHECKING:
    from sync.observe.status import Status

WEEKS_BEFORE: Final = 12
"""Last week's lead times are told beside those of so many weeks before it."""

ALIKE: Final = 0.1
"""Medians in days that differ by less than this share of the earlier one are the same."""

_BESIDES: Final = 0.05
"""And those that differ by less than so many days: what is shown is the same then."""


def read_letter(connection: Connection, mapping: ProcessMapping, status: "Status", now: datetime) -> dict[str, object]:
    """Put together what the letter of this moment's week says: plain values, the keys of `mappings.letter.BLANK`."""
    monday = week_of(now, mapping).monday
    sunday = monday + timedelta(days=6)
    coming = _coming(connection, mapping, max(monday, local_date(now, mapping.zone)), sunday)
    stuck = [
        {
            "portfolio": _portfolio(one.portfolio, one.name, one.url),
            "who": one.who,
            "what": one.what,
            "since": _local(one.since, mapping),
            "days": (now - one.since) // timedelta(days=1),
        }
        for one in status.stuck
    ]
    waiting = [{"what": one.what, "where": one.where, "reason": one.reason} for one in status.troubles]
    worth = [
        {"portfolio": _portfolio(one.portfolio, one.name, one.url), "what": f"{one.found}: a typing slip?"}
        for one in status.worth_a_look
    ]
    lists: dict[str, Sequence[object]] = {"coming": coming, "stuck": stuck, "waiting": waiting, "worth_a_look": worth}
    steps = portfolios.by_step(connection)
    return {
        "week": monday.isoformat(),
        "week_ends": sunday.isoformat(),
        "as_of": _local(status.last_poll or now, mapping),
        "clients": sum(steps.values()),
        "under_way": sum(number for step, number in steps.items() if step is not Step.BETWEEN),
        **{name: list(of[:LISTED]) for name, of in lists.items()},
        "more": {name: max(0, len(of) - LISTED) for name, of in lists.items()},
        "reasons": list(status.reasons[:LISTED]),
        **_last_week(connection, mapping, monday, now),
    }


# -- what comes


def _coming(connection: Connection, mapping: ProcessMapping, first: date, last: date) -> list[dict[str, object]]:
    """The days of a week on which the calendar makes something due: kickoffs and Refresh Dates, by day."""
    window = timedelta(days=mapping.rules.window_days)
    found = portfolios.dated(connection, first, last + window)
    kickoffs = [
        _day(one, one.refresh_date - window, "kickoff", Role.ACCOUNT_MANAGER)
        for one in found
        if one.refresh_date is not None and first <= one.refresh_date - window <= last and one.step is Step.BETWEEN
    ]
    dates = [
        _day(one, one.refresh_date, "Refresh Date", Role.SOCIAL_AD_SPECIALIST)
        for one in found
        if one.refresh_date is not None and one.refresh_date <= last
    ]
    return sorted([*kickoffs, *dates], key=lambda one: str(one["day"]))


def _day(one: KeptPortfolio, day: date, what: str, role: Role) -> dict[str, object]:
    who = one.people.get(role, "")
    portfolio = _portfolio(one.id, one.name, one.url)
    return {"day": day.isoformat(), "what": what, "portfolio": portfolio, "who": who, "status": one.status}


def _portfolio(record: str, name: str, url: str) -> dict[str, str]:
    return {"id": record, "name": name or f"Portfolio {record}", "url": url}


def _local(moment: datetime, mapping: ProcessMapping) -> str:
    return moment.astimezone(mapping.zone).isoformat(timespec="minutes")


# -- last week's lead times


def _last_week(connection: Connection, mapping: ProcessMapping, monday: date, now: datetime) -> dict[str, object]:
    start, end = (start_of_day(day, mapping.zone) for day in (monday - timedelta(days=7), monday))
    earlier = start_of_day(monday - timedelta(weeks=1 + WEEKS_BEFORE), mapping.zone)
    spans = (Wanted(since=start, until=end), Wanted(since=earlier, until=start))
    last, before = read_figures(connection, mapping, spans, now)
    return {
        "lead_times": list(_lead_times(last, before)),
        "live": last.live,
        "declined": last.declined,
        "on_time": words.share(last),
        "weeks_before": WEEKS_BEFORE,
    }


def _lead_times(last: Figures, before: Figures) -> Iterable[dict[str, object]]:
    for lead in Lead:
        ours, theirs = last.leads.get(lead, Summary()), before.leads.get(lead, Summary())
        if ours.count or theirs.count:
            yield {
                "name": lead.headline,
                "number": ours.count,
                "median": words.days(ours.median),
                "before": words.days(theirs.median),
                "before_number": theirs.count,
                "change": _change(ours.median, theirs.median),
            }


def _change(last: float | None, before: float | None) -> str:
    if last is None or before is None or abs(last - before) < max(ALIKE * before, _BESIDES):
        return ""
    return "shorter" if last < before else "longer"
