"""Which cycle a portfolio is in: told by its history, and by what the ledger remembers of it."""

from datetime import timedelta

import pytest

from mappings.vocabulary import Status
from sync.rules.cycle import all_closings, cycle_at, cycle_id, endings
from sync.rules.keys import START
from sync.rules.model import Closing, History, Version
from tests.builders import NOW

REQUESTED = Status.REFRESH_REQUEST_SUBMITTED
DECLINED = Status.NO_REFRESH_REQUESTED
APPROVED = Status.CREATIVES_APPROVED
IMPLEMENTED = Status.CREATIVES_IMPLEMENTED


def history(*statuses: Status | None) -> History[Status | None]:
    """These statuses, oldest first here, an hour apart."""
    return tuple(
        Version(status, NOW + timedelta(hours=hour)) for hour, status in reversed(list(enumerate(statuses, start=1)))
    )


def at(hour: int) -> int:
    """The time, in ms, of the n-th status of a history."""
    return Version(None, NOW + timedelta(hours=hour)).ms


@pytest.mark.parametrize(
    ("statuses", "found"),
    [
        pytest.param([], [], id="no history: no ending"),
        pytest.param([REQUESTED, APPROVED], [], id="no closing status: no ending"),
        pytest.param([DECLINED], [(1, DECLINED, True, False)], id="a decline ends a cycle at once"),
        pytest.param([DECLINED, REQUESTED], [(1, DECLINED, True, False)], id="and stays one when the status moves on"),
        pytest.param([DECLINED, DECLINED], [(1, DECLINED, True, False)], id="set again while it stands: once"),
        pytest.param(
            [DECLINED, None, DECLINED],
            [(1, DECLINED, True, True), (3, DECLINED, True, False)],
            id="declined, emptied, declined: two",
        ),
        pytest.param([IMPLEMENTED], [(1, IMPLEMENTED, False, False)], id="implemented and standing: not sure yet"),
        pytest.param([IMPLEMENTED, None], [(1, IMPLEMENTED, True, True)], id="implemented and emptied: sure"),
        pytest.param([IMPLEMENTED, APPROVED], [], id="implemented and moved on to another status: a slip"),
        pytest.param([IMPLEMENTED, DECLINED], [(2, DECLINED, True, False)], id="a slip, then a decline: the decline"),
        pytest.param(
            [IMPLEMENTED, None, REQUESTED], [(1, IMPLEMENTED, True, True)], id="emptied and moved on: no slip"
        ),
        pytest.param(
            [IMPLEMENTED, IMPLEMENTED], [(1, IMPLEMENTED, False, False)], id="implemented twice over: the first counts"
        ),
        pytest.param(
            [IMPLEMENTED, APPROVED, IMPLEMENTED, None],
            [(3, IMPLEMENTED, True, True)],
            id="a slip, and the real one after it",
        ),
    ],
)
def test_endings(statuses: list[Status | None], found: list[tuple[int, Status, bool, bool]]) -> None:
    """docs/process.md C.1, C.2 and C.3."""
    assert [(e.version.ms, e.closing.by, e.sure, e.emptied) for e in endings(history(*statuses))] == [
        (at(hour), by, sure, emptied) for hour, by, sure, emptied in found
    ]


def test_a_closing_that_was_carried_out_is_no_slip_any_more() -> None:
    moved_on = history(IMPLEMENTED, REQUESTED)
    assert endings(moved_on) == ()
    (ending,) = endings(moved_on, closed=[at(1)])
    assert (ending.closing.by, ending.sure) == (IMPLEMENTED, True)


def test_cycles_are_named_after_the_closing_that_began_them() -> None:
    closings = [Closing(NOW, DECLINED), Closing(NOW + timedelta(days=30), IMPLEMENTED)]
    first, second = (cycle_id(closing.at) for closing in closings)
    assert cycle_at(NOW - timedelta(milliseconds=1), closings) == START == cycle_id(None)
    assert cycle_at(NOW, closings) == first  # the new cycle begins with the closing version itself
    assert cycle_at(NOW + timedelta(days=29), closings) == first
    assert cycle_at(NOW + timedelta(days=31), closings) == second


def test_what_the_crm_forgot_the_ledger_remembers() -> None:
    remembered = [Closing(NOW - timedelta(days=60), IMPLEMENTED)]
    seen = endings(history(DECLINED))
    both = all_closings(seen, [*remembered, seen[0].closing])
    assert both == (remembered[0], seen[0].closing)
