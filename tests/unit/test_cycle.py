"""Which cycle a portfolio is in: told by its history, and by what the ledger remembers of it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from mappings.vocabulary import Status
from sync.rules.cycle import Settled, all_closings, closing_versions, cycle_at, cycle_id
from sync.rules.keys import START
from sync.rules.model import Closing, History, Version
from tests.builders import NOW, Scene

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


SETTLE = timedelta(minutes=2)
LATER = NOW + timedelta(days=1)


def found(
    history_: History[Status | None],
    read_at: datetime = LATER,
    known: Settled = Settled(),  # noqa: B008 (frozen)
) -> tuple[list[int], list[int], int | None]:
    """What its closing versions have come to, by their times: counted, slips, settling."""
    versions = closing_versions(history_, SETTLE, read_at, known)
    counted, slips = [e.version.ms for e in versions.counted], [s.version.ms for s in versions.slips]
    return counted, slips, None if versions.settling is None else versions.settling.version.ms


def seconds(*versions: tuple[float, Status | None], own: bool = False) -> History[Status | None]:
    """These statuses, oldest first here, so many seconds after the first; `own`: the newest is the service's."""
    newest = len(versions) - 1
    made = [
        Version(status, NOW + timedelta(seconds=at), own and n == newest) for n, (at, status) in enumerate(versions)
    ]
    return tuple(reversed(made))


@pytest.mark.parametrize(
    ("statuses", "counted"),
    [
        pytest.param([], [], id="no history: no ending"),
        pytest.param([REQUESTED, APPROVED], [], id="no closing status: no ending"),
        pytest.param([DECLINED], [1], id="a decline that stands ends a cycle"),
        pytest.param([DECLINED, REQUESTED], [1], id="and still does when the status moves on"),
        pytest.param([DECLINED, DECLINED], [1], id="set again while it stands: once"),
        pytest.param([DECLINED, None, DECLINED], [1, 3], id="declined, emptied, declined: two"),
        pytest.param([IMPLEMENTED], [1], id="implemented and standing"),
        pytest.param([IMPLEMENTED, None], [1], id="implemented and emptied"),
        pytest.param([IMPLEMENTED, APPROVED], [1], id="implemented and moved on to another status"),
        pytest.param([IMPLEMENTED, DECLINED], [1, 2], id="implemented, then declined: two"),
        pytest.param([IMPLEMENTED, IMPLEMENTED], [1], id="implemented twice over: the first counts"),
        pytest.param([IMPLEMENTED, APPROVED, IMPLEMENTED, None], [1, 3], id="implemented twice"),
    ],
)
def test_what_stood_for_long_counts(statuses: list[Status | None], counted: list[int]) -> None:
    """docs/process.md C.1, C.2 and C.3."""
    assert found(history(*statuses)) == ([at(hour) for hour in counted], [], None)


@pytest.mark.parametrize("closing", [DECLINED, IMPLEMENTED])
@pytest.mark.parametrize("correction", [None, APPROVED, REQUESTED, Status.UNMAPPED])
@pytest.mark.parametrize(("stood", "counts"), [(0.001, False), (5, False), (119.999, False), (120, True), (7200, True)])
def test_what_was_changed_too_soon_was_a_slip(
    closing: Status, correction: Status | None, stood: float, counts: bool
) -> None:
    """docs/process.md C.2: by the time of the next different version, whenever it is looked at."""
    changed = seconds((0, closing), (stood, correction))
    ms = [at(0)]
    for read_at in (NOW + timedelta(seconds=stood), LATER):
        assert found(changed, read_at) == ((ms, [], None) if counts else ([], ms, None))


@pytest.mark.parametrize("closing", [DECLINED, IMPLEMENTED])
@pytest.mark.parametrize(("stood", "counts"), [(0, False), (119.999, False), (120, True)])
def test_what_stands_counts_once_it_has_stood_for_long_enough(closing: Status, stood: float, counts: bool) -> None:
    """docs/process.md C.11: by the CRM's own time when it was read, which may seem to be before the version itself."""
    standing = seconds((0, closing))
    assert found(standing, NOW + timedelta(seconds=stood)) == (([at(0)], [], None) if counts else ([], [], at(0)))
    assert found(standing, NOW - timedelta(seconds=5)) == ([], [], at(0))


def test_one_closing_status_corrected_to_the_other() -> None:
    changed = seconds((0, DECLINED), (9, IMPLEMENTED))
    second = changed[0].ms
    assert found(changed, NOW + timedelta(seconds=60)) == ([], [at(0)], second)
    assert found(changed) == ([second], [at(0)], None)


def test_set_again_while_it_stands_is_one_version_and_its_time_goes_on() -> None:
    again = seconds((0, DECLINED), (100, DECLINED), (130, REQUESTED))
    assert found(again) == ([at(0)], [], None)


def test_without_a_settle_time_it_counts_at_once() -> None:
    changed = seconds((0, DECLINED), (0.5, REQUESTED))
    versions = closing_versions(changed, timedelta(0), LATER)
    assert [ending.version.ms for ending in versions.counted] == [at(0)]


@pytest.mark.parametrize(
    ("versions", "own", "result"),
    [
        pytest.param([(0, IMPLEMENTED)], True, ([0], [], None), id="the service's own closing"),
        pytest.param([(0, DECLINED)], True, ([], [], 0), id="no decline is the service's own"),
        pytest.param([(0, IMPLEMENTED), (3, None)], True, ([0], [], None), id="one that the service has reset"),
        pytest.param([(0, DECLINED), (3, None)], True, ([0], [], None), id="one that the service has emptied"),
    ],
)
def test_the_services_own_word_counts_at_once(
    versions: list[tuple[float, Status | None]], own: bool, result: tuple[list[int], list[int], int | None]
) -> None:
    """docs/process.md C.12."""
    counted, slips, settling = result
    read_at = NOW + timedelta(seconds=5)
    expected = ([at(0)] if counted else [], slips, at(0) if settling is not None else None)
    assert found(seconds(*versions, own=own), read_at) == expected


def test_what_the_ledger_holds_stays_as_it_was_judged() -> None:
    soon = seconds((0, DECLINED), (5, REQUESTED))
    assert found(soon, known=Settled(counted=frozenset({at(0)}))) == ([at(0)], [], None)
    late = history(DECLINED, REQUESTED)
    assert found(late, known=Settled(slips=frozenset({at(1)}))) == ([], [at(1)], None)


@pytest.mark.parametrize(
    ("closing", "after", "counts"),
    [(DECLINED, REQUESTED, True), (IMPLEMENTED, None, True), (IMPLEMENTED, APPROVED, False)],
)
def test_what_was_changed_before_there_was_a_settle_time(closing: Status, after: Status | None, counts: bool) -> None:
    """docs/process.md C.13: without one any decline counted, and Creatives Implemented that was moved on was a slip."""
    before = Settled(before=NOW + timedelta(hours=3))
    for changed in (seconds((0, closing), (5, after)), seconds((0, closing), (4000, after))):
        assert found(changed, known=before) == (([at(0)], [], None) if counts else ([], [at(0)], None))
    assert found(history(closing, REQUESTED), known=Settled(before=NOW)) == ([at(1)], [], None)


def test_cycles_are_named_after_the_closing_that_began_them() -> None:
    closings = [Closing(NOW, DECLINED), Closing(NOW + timedelta(days=30), IMPLEMENTED)]
    first, second = (cycle_id(closing.at) for closing in closings)
    assert cycle_at(NOW - timedelta(milliseconds=1), closings) == START == cycle_id(None)
    assert cycle_at(NOW, closings) == first  # the new cycle begins with the closing version itself
    assert cycle_at(NOW + timedelta(days=29), closings) == first
    assert cycle_at(NOW + timedelta(days=31), closings) == second


def test_what_the_crm_forgot_the_ledger_remembers() -> None:
    remembered = [Closing(NOW - timedelta(days=60), IMPLEMENTED)]
    seen = closing_versions(history(DECLINED), SETTLE, LATER).counted
    both = all_closings(seen, [*remembered, seen[0].closing])
    assert both == (remembered[0], seen[0].closing)


def test_what_happens_in_the_very_moment_of_an_ending_is_of_the_next_cycle() -> None:
    """docs/process.md C.4: the next cycle begins at the closing version; G.2: older is what is older than going live."""
    scene = Scene().status(DECLINED).later(1).look()
    ended = scene.context().closings[-1].at
    scene.ticket("201")
    scene.tickets["201"] = replace(scene.tickets["201"], came_in=ended)
    context = scene.context()
    assert context.cycle_of(ended) == context.cycle
    assert context.in_cycle(scene.tickets["201"])
    assert context.declined_after(ended) is None
    assert context.declined_after(ended - timedelta(milliseconds=1)) is not None
    moment = replace(context.times, go_live=ended)
    version = context.portfolio.status_history[0]
    assert replace(context, times=moment).counts(version, context.portfolio.status_history)
