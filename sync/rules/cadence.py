"""Which date comes next. Pure calendar arithmetic: no clock, no time zone."""

from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from mappings.schema import Interval, Weekend

_FRIDAY = 4
_SATURDAY = 5
_SUNDAY = 6
_WEEKENDS_BESIDE = {_FRIDAY: (1, 2), 0: (-1, -2)}
"""How far a Friday and a Monday are from the days that are moved to them."""


def next_date(
    current: date | None, interval: Interval, today: date, weekend: Weekend = "keep", *, day: int | None = None
) -> date:
    """The first date later than `today` that is whole intervals after `current`, moved off a weekend where asked.

    Counted from `current` at once, never step by step, so that the 31st does not drift; from `today` where there is
    no current date. Months come to `day` of the month (1 to 31), and to their last where they have no such day; None, or
    a day that `current` does not stand for, is the day of `current`. The cost does not depend on how old `current` is.

    Moving to the previous working day could lead back to `today` or before it: such a date moves to the next working
    day instead, because leaving it out would lose a whole refresh. `ValueError` where the calendar ends (year 9999).
    """
    start = today if current is None else current
    meant = None if day is None else stands_for(start, day)
    if interval.months and meant is not None:
        start = meant
    else:
        day = None
    try:
        count = _first_count(start, interval, today)
        found = _after(start, interval, count, day)
        if found <= today:  # the month is today's, its day is not later
            found = _after(start, interval, count + 1, day)
        return _off_weekend(found, today, weekend)
    except (OverflowError, ValueError) as end:
        raise ValueError(
            f"no date follows {start} by {interval}: the calendar ends in the year {date.max.year}"
        ) from end


def stands_for(current: date, day: int) -> date | None:
    """The date on this day of its month, or on the last of a shorter one, that `current` stands for; None: there is none.

    It is `current` itself, or the Saturday or Sunday beside it that was moved to `current`, which may be of another month.
    Whether the mapping moves weekends now does not matter: it may have done so when `current` was written.
    """
    for days in (0, *_WEEKENDS_BESIDE.get(current.weekday(), ())):
        if not date.min.toordinal() <= current.toordinal() + days <= date.max.toordinal():
            continue
        found = current + timedelta(days=days)
        if found == found + relativedelta(day=day):
            return found
    return None


def _after(start: date, interval: Interval, count: int, day: int | None) -> date:
    if interval.days:
        return start + timedelta(days=interval.days * count)
    return start + relativedelta(months=interval.months * count, day=start.day if day is None else day)


def _first_count(start: date, interval: Interval, today: date) -> int:
    """The smallest count of at least 1 that can lie after `today`; with months it may be one short."""
    if interval.days:
        return max(1, (today - start).days // interval.days + 1)
    months = (today.year - start.year) * 12 + today.month - start.month
    return max(1, -(-months // interval.months))


def _off_weekend(day: date, today: date, weekend: Weekend) -> date:
    if weekend == "keep" or day.weekday() < _SATURDAY:
        return day
    friday, monday = day - timedelta(days=day.weekday() - 4), day + timedelta(days=_SUNDAY + 1 - day.weekday())
    return friday if weekend == "previous" and friday > today else monday
