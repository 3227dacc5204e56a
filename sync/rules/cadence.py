"""Which date comes next. Pure calendar arithmetic: no clock, no time zone."""

from datetime import date, timedelta

from dateutil.relativedelta import relativedelta

from mappings.schema import Interval, Weekend

_SATURDAY = 5
_SUNDAY = 6


def next_date(current: date | None, interval: Interval, today: date, weekend: Weekend = "keep") -> date:
    """The first date later than `today` that is whole intervals after `current`, moved off a weekend where asked.

    Counted from `current` at once, never step by step, so that the 31st does not drift; from `today` where there is
    no current date. A month without that day gives its last. The cost does not depend on how old `current` is.

    Moving to the previous working day could lead back to `today` or before it: such a date moves to the next working
    day instead, because leaving it out would lose a whole refresh. `ValueError` where the calendar ends (year 9999).
    """
    start = today if current is None else current
    try:
        count = _first_count(start, interval, today)
        found = _after(start, interval, count)
        if found <= today:  # the month is today's, its day is not later
            found = _after(start, interval, count + 1)
        return _off_weekend(found, today, weekend)
    except (OverflowError, ValueError) as end:
        raise ValueError(
            f"no date follows {start} by {interval}: the calendar ends in the year {date.max.year}"
        ) from end


def _after(start: date, interval: Interval, count: int) -> date:
    if interval.days:
        return start + timedelta(days=interval.days * count)
    return start + relativedelta(months=interval.months * count)


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
