"""A history read through the mappings that were in force (docs/process.md F.5 and F.6), and since when one is inside (F.4)."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from mappings.schema import Condition
from mappings.vocabulary import Status
from sync.crm import Kind, RawVersion, Record
from sync.passes.snapshot.scope import scope
from sync.passes.snapshot.todays_words import portfolio_in_todays_words
from sync.rules.in_force import MappingHistory, PastMapping, past_mapping
from sync.rules.model import Stay
from tests.builders import mapping

BEGAN = datetime(2026, 11, 2, 14, 0, tzinfo=UTC)
TODAY = mapping()
STATUS = TODAY.portfolio.properties.status


def day(number: float) -> datetime:
    return BEGAN + timedelta(days=number)


def in_force(number: float) -> PastMapping:
    return past_mapping(TODAY, day(number), pipeline="0", in_progress="2", pending_approval="3")


def versions(*found: tuple[float, str]) -> tuple[RawVersion, ...]:
    """Of a property, each with its day; given oldest first, as it happened."""
    return tuple(RawVersion(value, day(number)) for number, value in reversed(found))


APPROVED = TODAY.portfolio.raw_status(Status.CREATIVES_APPROVED)
CALLED_OK = replace(in_force(0), statuses={"OK": Status.CREATIVES_APPROVED, APPROVED: Status.NO_REFRESH_REQUESTED})
"""Until day 10 an approval was called otherwise, and what is an approval today was a decline."""


@pytest.mark.parametrize(
    ("history", "read"),
    [
        pytest.param([(1, "OK"), (2, "")], [(1, APPROVED), (2, "")], id="by its name of then"),
        pytest.param([(1, "OK"), (12, APPROVED)], [(1, APPROVED)], id="moved to today's name after the change"),
        pytest.param([(1, "OK"), (9, APPROVED)], [(1, APPROVED)], id="moved to today's name before the change"),
        pytest.param([(1, "OK"), (2, ""), (12, APPROVED)], [(1, APPROVED), (2, ""), (12, APPROVED)], id="chosen anew"),
        pytest.param(
            [(1, "OK"), (2, "OK"), (12, APPROVED)], [(1, APPROVED), (2, APPROVED)], id="set twice by its name of then"
        ),
        pytest.param([(1, "OK")], [(1, "OK")], id="nobody has moved it yet"),
        pytest.param(
            [(1, "No Refresh Requested"), (2, "")], [(1, "No Refresh Requested (not named then)"), (2, "")],
            id="it was not named then, and is gone",
        ),
        pytest.param([(1, "No Refresh Requested")], [(1, "No Refresh Requested")], id="it was not named then, and stands"),
        pytest.param([(1, "Whatever"), (12, "")], [(1, "Whatever"), (12, "")], id="never named"),
        pytest.param([(11, APPROVED), (12, "")], [(11, APPROVED), (12, "")], id="set under today's mapping"),
    ],
)  # fmt: skip
def test_a_status_is_read_by_the_mapping_in_force(
    history: Sequence[tuple[float, str]], read: Sequence[tuple[float, str]]
) -> None:
    past = MappingHistory((CALLED_OK, in_force(10)))
    record = Record(Kind.PORTFOLIO, "101", {}, {STATUS: versions(*history)})
    found = portfolio_in_todays_words(record, TODAY, past)
    assert found.history[STATUS] == versions(*read)


@pytest.mark.parametrize(
    ("absorbed", "read"),
    [
        pytest.param(("102",), [(1, "OK"), (11, APPROVED)], id="merged: the newer one is the other's"),
        pytest.param((), [(1, APPROVED)], id="not merged: moved to today's name"),
    ],
)
def test_what_stands_is_read_by_todays_mapping_alone(
    absorbed: tuple[str, ...], read: Sequence[tuple[float, str]]
) -> None:
    """docs/process.md F.5, of merged records too: an old name that nobody has moved yet means nothing."""
    past = MappingHistory((CALLED_OK, in_force(10)))
    value = "OK" if absorbed else APPROVED
    record = Record(
        Kind.PORTFOLIO, "101", {STATUS: value}, {STATUS: versions((1, "OK"), (11, APPROVED))}, absorbed=absorbed
    )
    assert portfolio_in_todays_words(record, TODAY, past).history[STATUS] == versions(*read)


FIRST, SECOND, THIRD = "Done", "Finished", APPROVED


def called(number: float, name: str) -> PastMapping:
    one = in_force(number)
    others = {value: status for value, status in one.statuses.items() if status is not Status.CREATIVES_APPROVED}
    return replace(one, statuses={**others, name: Status.CREATIVES_APPROVED})


ONCE = MappingHistory((called(0, FIRST), called(10, THIRD)))
TWICE = MappingHistory((called(0, FIRST), called(10, SECOND), called(20, THIRD)))
BACK = MappingHistory((called(0, THIRD), called(10, SECOND), called(20, THIRD)))


@pytest.mark.parametrize(
    ("past", "history", "read"),
    [
        pytest.param(
            TWICE, [(1, FIRST), (9, SECOND), (19, THIRD)], [(1, THIRD)], id="twice, each time the records first"
        ),
        pytest.param(
            TWICE, [(1, FIRST), (12, SECOND), (22, THIRD)], [(1, THIRD)], id="twice, each time the mapping first"
        ),
        pytest.param(TWICE, [(1, FIRST), (22, THIRD)], [(1, THIRD)], id="twice, and moved once"),
        pytest.param(
            TWICE, [(1, FIRST), (9, SECOND), (19, THIRD), (23, "")], [(1, THIRD), (23, "")], id="twice, and then emptied"
        ),
        pytest.param(BACK, [(1, THIRD), (12, SECOND), (22, THIRD)], [(1, THIRD)], id="back, each time the mapping first"),
        pytest.param(BACK, [(1, THIRD), (9, SECOND), (19, THIRD)], [(1, THIRD)], id="back, each time the records first"),
        pytest.param(
            BACK, [(1, THIRD), (12, SECOND), (22, THIRD), (23, THIRD)], [(1, THIRD), (23, THIRD)],
            id="back, and set a second time",
        ),
        pytest.param(ONCE, [(1, FIRST), (9, THIRD), (12, "")], [(1, THIRD), (12, "")], id="the records first, and gone"),
        pytest.param(
            ONCE, [(1, FIRST), (9, THIRD), (12, THIRD)], [(1, THIRD), (12, THIRD)],
            id="the records first, and set a second time",
        ),
        pytest.param(
            ONCE, [(1, FIRST), (2, ""), (9, THIRD), (12, "")],
            [(1, THIRD), (2, ""), (9, THIRD), (12, "")],
            id="chosen before it was named, and gone since",
        ),
        pytest.param(
            ONCE, [(1, FIRST), (2, ""), (7, THIRD), (9, "")],
            [(1, THIRD), (2, ""), (7, f"{THIRD} (not named then)"), (9, "")],
            id="chosen and gone before it was named",
        ),
        pytest.param(
            BACK, [(1, THIRD), (2, SECOND), (3, THIRD)], [(1, THIRD), (2, SECOND), (3, THIRD)],
            id="chosen anew before the other one was ever named",
        ),
    ],
)  # fmt: skip
def test_however_often_a_value_is_replaced_it_is_one(
    past: MappingHistory, history: Sequence[tuple[float, str]], read: Sequence[tuple[float, str]]
) -> None:
    """docs/process.md F.5: in either order, back again, and whether it still stands."""
    record = Record(Kind.PORTFOLIO, "101", {STATUS: history[-1][1]}, {STATUS: versions(*history)})
    assert portfolio_in_todays_words(record, TODAY, past).history[STATUS] == versions(*read)


def test_what_was_filled_in_before_the_property_was_named_is_no_version() -> None:
    past = MappingHistory((replace(in_force(0), status_property="state"), in_force(10)))
    record = Record(Kind.PORTFOLIO, "101", {}, {STATUS: versions((9, APPROVED), (11, ""))})
    assert portfolio_in_todays_words(record, TODAY, past).history[STATUS] == versions((11, ""))


# -- the condition

GOLD = (Condition.model_validate({"property": "tier", "in": ["Gold"]}),)
GOLD_OR_SILVER = (Condition.model_validate({"property": "tier", "in": ["Gold", "Silver"]}),)


@pytest.mark.parametrize(
    ("tiers", "since"),
    [
        pytest.param([(-30, "Silver")], 10, id="comes in by the new condition"),
        pytest.param([(-30, "Gold")], -30, id="inside by both"),
        pytest.param([(-30, "Silver"), (3, "Gold")], 3, id="came in under the old one"),
        pytest.param([(-30, "Gold"), (3, "Bronze"), (4, "Gold")], 4, id="left and came back under the old one"),
        pytest.param([(-30, "Gold"), (3, "Silver")], 10, id="left under the old one, and comes in by the new"),
        pytest.param([(-30, "Gold"), (12, "Silver")], -30, id="inside by either at its time"),
        pytest.param([(-30, "Gold"), (12, "Bronze"), (13, "Silver")], 13, id="left and came back under the new one"),
    ],
)
def test_inside_since(tiers: Sequence[tuple[float, str]], since: float) -> None:
    past = MappingHistory(
        (replace(in_force(0), condition=GOLD), replace(in_force(10), condition=GOLD_OR_SILVER)),
    )
    record = Record(Kind.PORTFOLIO, "101", {"tier": tiers[-1][1]}, {"tier": versions(*tiers)})
    assert inside_since(scope(record, GOLD_OR_SILVER, past, day(20))) == (True, day(since))


def inside_since(found: tuple[bool, tuple[Stay, ...]]) -> tuple[bool, datetime | None]:
    """Since when it has been inside; None: always, or it is not."""
    inside, outside = found
    return inside, outside[-1].ended if outside else None


def test_every_time_outside_is_told_whole() -> None:
    """docs/process.md W.7: of two conditions, and of two versions in a row that do not hold."""
    tiers = [(-30, "Gold"), (3, "Silver"), (12, "Bronze"), (13, "Wood"), (14, "Silver")]
    past = MappingHistory((replace(in_force(0), condition=GOLD), replace(in_force(10), condition=GOLD_OR_SILVER)))
    record = Record(Kind.PORTFOLIO, "101", {"tier": "Silver"}, {"tier": versions(*tiers)})
    stays = (Stay(None, day(-30)), Stay(day(3), day(10)), Stay(day(12), day(14)))
    assert scope(record, GOLD_OR_SILVER, past, day(20)) == (True, stays)
    assert scope(record, GOLD, past, day(20)) == (False, ())


@pytest.mark.parametrize(
    ("tiers", "regions", "inside", "since"),
    [
        pytest.param([(-30, "Gold")], [(-20, "EU")], True, -20, id="the later of the two"),
        pytest.param([(-30, "Gold"), (3, "Silver")], [(-20, "EU")], True, 10, id="one of two did not hold before"),
        pytest.param([(-30, "Gold")], [(-20, "EU"), (12, "US"), (13, "EU")], True, 13, id="one of two left and came back"),
        pytest.param([(-30, "Gold")], [(-20, "EU"), (12, "US")], False, None, id="one of two does not hold"),
    ],
)  # fmt: skip
def test_inside_two_conditions_since(
    tiers: Sequence[tuple[float, str]], regions: Sequence[tuple[float, str]], inside: bool, since: float | None
) -> None:
    europe = (Condition.model_validate({"property": "region", "in": ["EU"]}),)
    past = MappingHistory(
        (replace(in_force(0), condition=GOLD + europe), replace(in_force(10), condition=GOLD_OR_SILVER + europe))
    )
    values = {"tier": tiers[-1][1], "region": regions[-1][1]}
    record = Record(Kind.PORTFOLIO, "101", values, {"tier": versions(*tiers), "region": versions(*regions)})
    found = scope(record, GOLD_OR_SILVER + europe, past, day(20))
    assert inside_since(found) == (inside, None if since is None else day(since))


def test_a_condition_that_is_only_tried_brings_in_from_now_on() -> None:
    past = MappingHistory((replace(in_force(0), condition=GOLD),))
    record = Record(Kind.PORTFOLIO, "101", {"tier": "Silver"}, {"tier": versions((1, "Silver"))})
    assert inside_since(scope(record, GOLD_OR_SILVER, past, day(20))) == (True, day(20))
    assert inside_since(scope(record, GOLD, past, day(20))) == (False, None)


def test_where_the_old_condition_cannot_be_judged_it_is_inside_since_the_new_one() -> None:
    past = MappingHistory((replace(in_force(0), condition=GOLD), in_force(10)))
    assert inside_since(scope(Record(Kind.PORTFOLIO, "101", {}), (), past, day(20))) == (True, day(10))


def test_without_a_condition_it_was_always_inside() -> None:
    past = MappingHistory((in_force(0), replace(in_force(10), window_days=3)))
    assert scope(Record(Kind.PORTFOLIO, "101", {}), (), past, day(20)) == (True, ())
