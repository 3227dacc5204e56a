"""Whatever people do, in whatever order it is looked at: deciding again gives nothing, and looks are harmless.

Random histories are played on the portal in miniature of `tests/builders.py`: a look decides with the real rules, and
what they ask for is done to it. `test_the_pipeline_comes_to_rest` plays some on the sandbox, through the whole service.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mappings.vocabulary import Handoff, Revision, Role, Stage, Status, TaskKind
from sync.model import State
from tests.builders import Scene

Act = tuple[str, tuple[object, ...]]
"""A method of `Scene` and its arguments."""


def act(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Act]:
    return st.tuples(st.just(name), st.tuples(*arguments))


TICKET = st.sampled_from(["201", "202", "203"])
FOLDER = st.sampled_from(["", "Spring", "Spring", " spring ", "Summer"])
STAGE = st.sampled_from([*Stage, Stage.PENDING_APPROVAL, Stage.PENDING_APPROVAL])
TASK = st.sampled_from([*TaskKind, TaskKind.IMPLEMENT, TaskKind.IMPLEMENT])
ROLE = st.sampled_from(list(Role))
WORK = (
    act("status", st.sampled_from([None, *Status])),
    act("status", st.sampled_from([None, *Status])),
    act("date", st.sampled_from([None, -3, 0, 0, 1, 10, 15, 16, 40])),
    act("later", st.sampled_from([1 / 96, 0.5, 1, 3, 16])),
    act("ticket", TICKET, FOLDER),
    act("ticket", TICKET, st.just("Spring")),
    act("move", TICKET),
    act("put", TICKET, STAGE),
    act("rename", FOLDER, TICKET),
    act("close", TICKET),
    act("delete", TICKET),
    act("leave_pipeline", TICKET),
    act("revise", TICKET, st.sampled_from([None, *Revision])),
    act("complete", TASK),
    act("delete_task", TASK),
    act("set_cadence", st.sampled_from(["", "Weekly", "Whenever", "30"])),
    act("nobody", ROLE),
    act("name", ROLE, st.just("own-copy")),
    act("leave"),
    act("come_back"),
)
REFUSALS = act("refuse", st.sampled_from([(), ("write",), ("task", "email")])).map(lambda made: ("refuse", made[1][0]))
ACTS = st.lists(st.one_of(*WORK, REFUSALS), max_size=25)
LOOKS = st.sets(st.integers(0, 24))
"""After which of the acts the service looks."""

SETTINGS = settings(
    derandomize=True, deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow], database=None
)


def is_possible(scene: Scene, name: str, arguments: Sequence[object]) -> bool:
    """Whether somebody can do this now: the ticket exists, there is such a task, the role is held."""
    match name:
        case "ticket":
            return arguments[0] not in scene.tickets
        case "rename":
            return arguments[1] in scene.tickets
        case "move" | "put":
            return arguments[0] in scene.tickets and scene.tickets[str(arguments[0])].came_in is not None
        case "close" | "delete" | "leave_pipeline" | "revise":
            return arguments[0] in scene.tickets
        case "complete" | "delete_task":
            return arguments[0] in scene.task_kinds.values()
        case "nobody":
            return arguments[0] in scene.owners
    return True


def play(scene: Scene, what: Act) -> bool:
    """Do one act; False where it cannot be done now."""
    name, arguments = what
    if not is_possible(scene, name, arguments):
        return False
    getattr(scene, name)(*arguments)
    return True


def played(acts: Sequence[Act], look: Callable[[int], bool]) -> Scene:
    """A scene after these acts, looked at after those of them that `look` says (by their number)."""
    scene = Scene()
    for number, what in enumerate(acts):
        if play(scene, what) and look(number):
            scene.look()
    return scene


def is_open_end(told: str) -> bool:
    """What rightly stays to be done: it waits for a person."""
    return told.endswith(("(blocked)", "nobody"))


@SETTINGS
@given(ACTS, LOOKS)
def test_deciding_after_applying_gives_nothing(acts: list[Act], looks: set[int]) -> None:
    scene = played(acts, looks.__contains__).refuse().look()
    assert [told for told in scene.would_do() if not is_open_end(told)] == []


@SETTINGS
@given(ACTS, LOOKS)
def test_a_look_too_many_changes_nothing(acts: list[Act], looks: set[int]) -> None:
    seldom = played(acts, looks.__contains__)
    often = Scene()
    for number, what in enumerate(acts):
        if play(often, what) and number in looks:
            often.look(times=3)
    assert often.done == seldom.done
    assert often.snapshot() == seldom.snapshot()


@SETTINGS
@given(ACTS, LOOKS)
def test_no_effect_is_carried_out_twice(acts: list[Act], looks: set[int]) -> None:
    scene = played(acts, looks.__contains__).look()
    keys = [effect.key for fired in scene.fired.values() for effect in fired.effects]
    assert [key for key, times in Counter(keys).items() if times > 1] == []
    tasks = [effect.crm_id for fired in scene.fired.values() for effect in fired.effects if effect.kind == "task"]
    made = [task for task in tasks if task is not None]
    assert len(made) == len(set(made))


@SETTINGS
@given(ACTS, LOOKS)
def test_every_outcome_has_a_reason(acts: list[Act], looks: set[int]) -> None:
    verdicts = played(acts, looks.__contains__).decide().verdicts
    assert {verdict.handoff for verdict in verdicts} == set(Handoff)
    assert all(verdict.reason for verdict in verdicts)
    assert all(v.occurrence is not None or v.state is not State.DUE for v in verdicts)


@SETTINGS
@given(ACTS, LOOKS)
def test_what_the_service_writes_is_its_own_to_write(acts: list[Act], looks: set[int]) -> None:
    """The status, never backwards; the date, always later than today; nothing while outside."""
    scene = Scene()
    for number, what in enumerate(acts):
        if not play(scene, what) or number not in looks:
            continue
        status = scene.statuses[0].value if scene.statuses else None
        before = len(scene.done)
        scene.look()
        if not scene.inside:
            assert len(scene.done) == before
        if "5 write 101: creative_refresh_status=Creatives Pending Approval" in scene.done[before:]:
            assert status not in {Status.CREATIVES_APPROVED, Status.CREATIVES_IMPLEMENTED, Status.UNMAPPED}
        if scene.dates[0].own and len(scene.done) > before:
            assert scene.dates[0].value is not None
            assert scene.dates[0].value > scene.today or not _moved(scene.done[before:])


def _moved(done: Sequence[str]) -> bool:
    return any("creative_refresh_date=" in told for told in done)


@SETTINGS
@given(st.lists(st.one_of(*WORK), max_size=25), LOOKS)
def test_a_lost_database_repeats_no_task(acts: list[Act], looks: set[int]) -> None:
    scene = played(acts, looks.__contains__).look()
    assume(scene.inside)
    tasks = len(scene.tasks)
    scene.lose_database().look()
    assert len(scene.tasks) == tasks, scene.done[-4:]
