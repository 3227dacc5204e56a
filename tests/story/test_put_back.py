"""A copy of the database is put back: what was done since is not done again (docs/process.md G.12)."""

import os
import resource
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from sync.passes import recovery
from sync.sandbox.faults import Fault
from sync.sandbox.schema import TASK, ValidationRule
from sync.storage import copies, service_state
from sync.storage.database import open_store
from tests.conftest import MakeWorld
from tests.databases import ON_POSTGRESQL, copied, forget
from tests.story.copies import in_copy
from tests.story.one_cycle import PAST, STAGES, Story, reach, seen
from tests.world import NEW_YORK_MORNING, World


def grown_up(world: World) -> World:
    """The same world, once its ledger knows everything from before it began."""
    world.prepare()
    world.clock.advance(recovery.SEARCH_LAGS)
    world.prepare()
    assert recovery.is_final(world.service.store)
    return world


def copy(world: World, name: str = "copy") -> str:
    """A copy of the database, as it is now: of a file what `db backup` writes, of one on a server what a snapshot keeps."""
    if ON_POSTGRESQL:
        world.service.close()
        url = copied(world.settings.database_url, world.directory)
        world.restart()
        return url
    file = world.directory / f"{name}.copy"
    copies.copy_to(world.service.store, file, world.clock.now())
    return str(file)


def put_back(world: World, made: str) -> None:
    """What was done since is gone; on a server it is said by `db restored`, and of a file by putting it back."""
    world.service.close()
    if ON_POSTGRESQL:
        url = copied(made, world.directory)
        with closing(open_store(url)) as store:
            copies.begin_anew(store, world.clock.now())
        world.settings = world.settings.model_copy(update={"database_url": url})
    else:
        forget(world.settings.database_url, world.directory)
        copies.put_back(Path(made), world.directory / "handoffs.db", world.clock.now())
    world.restart()


def after(world: World, made: str, *, at_once: bool) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """What is seen days after the copy was put back; `at_once`: while the search did not show the newest tasks yet."""
    world.clock.advance(timedelta(seconds=1) if at_once else timedelta(minutes=30))
    put_back(world, made)
    world.work()
    world.minutes(5)
    world.sweep()
    world.minutes(30)
    world.next_day()
    return seen(world)


@pytest.mark.parametrize("at_once", [False, True], ids=["later", "at once"])
def test_what_was_done_since_the_copy_is_not_done_again(make_world: MakeWorld, *, at_once: bool) -> None:
    """Copied after each step of the cycle, and put back one step and three steps later."""
    world = grown_up(make_world(go_live=PAST))
    story = Story(world)
    made: list[tuple[str, str]] = []
    for name in STAGES:
        story.do(name)
        for stage, kept in (*made[-1:], *made[-3:-2]):
            found = in_copy(world, lambda other, kept=kept: after(other, kept, at_once=at_once))  # type: ignore[misc]
            assert found == seen(world), f"{stage} put back after {name}"
        made.append((name, copy(world, name)))


def test_a_declined_cycle_is_not_declined_again(make_world: MakeWorld) -> None:
    world = grown_up(make_world(go_live=PAST))
    story = reach(world, "arrived")
    file = copy(world)
    story.do("declined")
    moved = world.date(story.portfolio)
    before = seen(world)
    assert after(world, file, at_once=True) == before
    assert world.date(story.portfolio) == moved


def test_a_revision_that_an_open_task_stood_for_is_not_answered_again(make_world: MakeWorld) -> None:
    """A value set, emptied and set again asked for one task, and nothing carries the key of the second."""
    world = grown_up(make_world(go_live=PAST))
    acme = world.people.create_portfolio("Acme", world.day(40))
    ticket = world.people.create_ticket("t", "", acme)
    world.minutes(1)
    file = copy(world)
    for value in ("Copy Revisions Only", "", "Copy Revisions Only"):
        world.people.request_revisions(ticket, value, note="Warmer, please")
        world.clock.advance(timedelta(seconds=5))
    world.minutes(5)
    [revision] = [task for task in world.tasks() if task.key.endswith("revise_copy")]
    world.minutes(30)
    world.people.complete_task(revision.id)
    world.people.move_ticket(ticket, "Pending Approval")
    put_back(world, file)
    world.sweep()
    world.minutes(30)
    assert world.kinds().count("revise_copy") == 1
    assert world.people.ticket(ticket)["hs_pipeline_stage"] == world.people.process.stage("Pending Approval")


def test_what_was_planned_when_it_was_copied_has_been_done_since(make_world: MakeWorld) -> None:
    world = make_world(go_live=PAST)
    world.sandbox.faults.add(Fault("423", "POST */tasks/batch/create"))
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    file = copy(world)
    world.sandbox.faults.clear()
    world.minutes(5)
    assert world.kinds() == ["kickoff"]
    before = seen(world)
    assert after(world, file, at_once=False) == before


def test_what_was_refused_when_it_was_copied_has_been_done_since(make_world: MakeWorld) -> None:
    """The sweep of the day after the copy's tries it again: nobody looks at its record first any more."""
    world = make_world(go_live=PAST)
    world.sandbox.portal.rules.append(ValidationRule("Nothing", TASK, "hs_task_subject", "nothing"))
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    file = copy(world)
    world.sandbox.portal.rules.clear()
    world.next_day()
    assert world.kinds() == ["kickoff"]
    before = seen(world)
    put_back(world, file)
    world.prepare()
    world.minutes(30)
    world.prepare()
    world.next_day()
    assert seen(world) == before


def test_a_copy_that_is_put_back_asks_the_crm_before_anything_else(make_world: MakeWorld) -> None:
    world = grown_up(make_world(go_live=PAST))
    reach(world, "confirmed")
    file = copy(world)
    put_back(world, file)
    with world.service.store.read() as connection:
        assert [service_state.get(connection, entry) for entry in service_state.OF_THE_RECOVERY] == [None] * 3
        assert service_state.get(connection, service_state.LEDGER_BEGAN) == world.clock.now()
        assert service_state.get(connection, service_state.COPIED_AT) is None


# Half a file has no name


def filled(directory: Path) -> Path:
    """A database of some 4 MB."""
    file = directory / "handoffs.db"
    store = open_store(f"sqlite:///{file}")
    with store.write() as connection:
        connection.exec_driver_sql("CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT)")
        connection.exec_driver_sql("INSERT INTO fact VALUES ('long', ?)", ("x" * 4_000_000,))
    store.close()
    return file


COPY = """
import sys, pathlib, datetime
from sync.storage import copies
from sync.storage.database import open_store
source, file, verb = sys.argv[1:]
now = datetime.datetime.now(datetime.UTC)
try:
    if verb == "copy_to":
        copies.copy_to(open_store(f"sqlite:///{source}"), pathlib.Path(file), now)
    else:
        copies.put_back(pathlib.Path(source), pathlib.Path(file), now)
except OSError as error:
    sys.exit(f"refused: {error.strerror}")
"""


@pytest.mark.parametrize("verb", ["copy_to", "put_back"])
def test_a_full_disk_leaves_nothing_under_the_name(tmp_path: Path, verb: str) -> None:
    """The file may not grow beyond 1 MB: the write fails in the middle, and the next one is not in its way."""
    source, file = filled(tmp_path), tmp_path / "copy.db"

    def small() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, 1_000_000))

    command = [sys.executable, "-c", COPY, str(source), str(file), verb]
    full = subprocess.run(command, preexec_fn=small, capture_output=True, text=True, check=False)
    assert full.returncode == 1
    assert "refused: " in full.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["handoffs.db"]
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 0, again.stderr
    with sqlite3.connect(file) as connection:
        assert connection.execute("SELECT length(value) FROM fact WHERE name = 'long'").fetchone() == (4_000_000,)


def test_a_kill_in_the_middle_leaves_nothing_under_the_name(tmp_path: Path) -> None:
    """What it had written is taken away by the next copy into that name, once nobody can be at work on it any more."""
    source, file = filled(tmp_path), tmp_path / "copy.db"
    killed = COPY.replace("try:", "import os\ncopies._keep = lambda part: os.kill(os.getpid(), 9)\ntry:")
    command = [sys.executable, "-c", killed, str(source), str(file), "copy_to"]
    assert subprocess.run(command, check=False).returncode == -9
    assert not file.exists()
    [left] = tmp_path.glob(".copy.db.*.part")
    copies.copy_to(open_store(f"sqlite:///{source}"), file, NEW_YORK_MORNING)
    assert left.exists(), "somebody may still be at work on it"
    file.unlink()
    os.utime(left, (time.time() - 7200,) * 2)
    copies.copy_to(open_store(f"sqlite:///{source}"), file, NEW_YORK_MORNING)
    assert not left.exists()


def test_a_copy_never_takes_the_place_of_another_file(tmp_path: Path) -> None:
    source, file = filled(tmp_path), tmp_path / "copy.db"
    file.write_text("mine")
    with pytest.raises(FileExistsError):
        copies.copy_to(open_store(f"sqlite:///{source}"), file, NEW_YORK_MORNING)
    assert file.read_text() == "mine"
