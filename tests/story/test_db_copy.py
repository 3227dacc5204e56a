"""`handoffs db copy`: a database is taken along to a server and back, whole, and the service goes on where it was."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from sync.storage import work_queue
from sync.storage.database import open_store
from sync.storage.tables import metadata
from tests.alive import alive
from tests.databases import fresh_postgresql
from tests.story.one_cycle import Story, reach, seen
from tests.terminal import Terminal
from tests.world import World


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    """A portfolio in mid-cycle, on SQLite whatever the suite runs on."""
    world = World(tmp_path, database_url=f"sqlite:///{tmp_path / 'handoffs.db'}")
    yield reach(world, "ready")
    world.close()


def counts(url: str) -> dict[str, int]:
    with closing(open_store(url)) as store, store.read() as connection:
        return {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in metadata.sorted_tables
        }


def moved(world: World, monkeypatch: pytest.MonkeyPatch, to: str) -> str:
    """Copy the world's database, start its service on the new one, and give what the command said."""
    before = counts(world.settings.database_url)
    done = Terminal(world, monkeypatch).run("db", "copy", "--to", to, "--yes")
    assert done.exit_code == 0, done.output
    assert counts(to) == before
    world.settings = world.settings.model_copy(update={"database_url": to})
    world.restart()
    return done.stdout


def test_there_and_back_again(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done twice on the way, and nothing is forgotten: deliveries, queue, ledger, cursors, numbers of rows."""
    world = story.world
    server, back = fresh_postgresql(migrated=False), f"sqlite:///{world.directory / 'back.db'}"
    shown = moved(world, monkeypatch, server)
    assert "Copied" in shown
    before = seen(world)
    world.work()
    world.next_day()
    assert seen(world) == before
    story.revised()  # new rows get numbers of their own
    story.ready_again()
    moved(world, monkeypatch, back)
    before = seen(world)
    world.work()
    world.next_day()
    assert seen(world) == before
    story.approved()
    story.implemented()
    tasks, _ = seen(world)
    assert set(tasks.values()) == {1}


def test_nobody_starts_on_the_old_one(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    world = story.world
    old = world.settings.database_url
    moved(world, monkeypatch, f"sqlite:///{world.directory / 'new.db'}")
    terminal = Terminal(world, monkeypatch)
    refused = terminal.run("sweep", DATABASE_URL=old)
    assert refused.exit_code == 3
    new = f"the database {world.directory / 'new.db'}"
    assert "was copied on 2026-11-" in " ".join(refused.stderr.split())
    assert f"into {new}, and what was done since stands there: set DATABASE_URL" in " ".join(refused.stderr.split())
    again = terminal.run("db", "copy", "--to", f"sqlite:///{world.directory / 'third.db'}", "--yes", DATABASE_URL=old)
    assert again.exit_code == 3
    assert "nothing was copied" in again.stderr
    assert f"into {new}" in " ".join(again.stderr.split())
    assert terminal.run("db", "restored", "--yes", DATABASE_URL=old).exit_code == 0
    assert terminal.run("sweep", DATABASE_URL=old).exit_code == 0, "whoever changes their mind may go on with it"


def test_what_it_refuses(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """A target that holds something, a service at work, a no, an address that is none: nothing changes on either side."""
    world = story.world
    terminal = Terminal(world, monkeypatch)
    before = counts(world.settings.database_url)
    other = World(world.directory / "other", database_url=f"sqlite:///{world.directory / 'other.db'}")
    target = other.settings.database_url
    there = counts(target)

    def refused(to: str, code: int, words: str, *, typed: str | None = None, yes: bool = True) -> None:
        done = terminal.run("db", "copy", "--to", to, *(["--yes"] if yes else []), typed=typed)
        assert (done.exit_code, words in " ".join(done.output.split())) == (code, True), done.output

    refused(target, 3, "is not empty")
    refused(world.settings.database_url, 3, "is not empty")
    refused("mysql://bot:s3cr3t@host/x", 2, "--to mysql://bot:***@host/x is no database")
    refused(f"sqlite:///{world.directory / 'new.db'}", 3, "nothing was copied", typed="n", yes=False)
    assert not (world.directory / "new.db").exists()
    alive(world.settings.database_url, world.clock)
    refused(f"sqlite:///{world.directory / 'new.db'}", 3, "End the worker")
    after = counts(world.settings.database_url)
    assert {name: count for name, count in after.items() if name not in {"process", "fact"}} == {
        name: count for name, count in before.items() if name not in {"process", "fact"}
    }
    assert counts(target) == there
    other.close()


def test_a_wrong_target_is_named_by_its_option(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever heard that DATABASE_URL is to be mended, which was right, has looked at the wrong database."""
    terminal = Terminal(story.world, monkeypatch)
    nowhere = fresh_postgresql(migrated=False).rpartition("/")[0] + "/nowhere"
    for target, words in (
        ("postgresql://amy@127.0.0.1:1/handoffs", "does the server run, and is --to right?"),
        (nowhere, "create it (`createdb`), or set --to"),
        (f"{nowhere}?ssl_mode=require", "does not understand: mend --to"),
        (f"sqlite:///{story.world.directory}/no/such/new.db", "may the service write there? See --to"),
    ):
        done = terminal.run("db", "copy", "--to", target, "--yes")
        said = " ".join(done.stderr.split())
        assert done.exit_code in {1, 2}
        assert words in said
        assert "DATABASE_URL" not in said


def test_it_is_done_as_a_whole_or_not_at_all(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server breaks off in the middle: the old database is as good as before, and the next try finds an empty one."""
    from sync.storage import moving

    world = story.world
    server = fresh_postgresql(migrated=False)
    terminal = Terminal(world, monkeypatch)
    copy, copied = moving._copy, 0

    def breaks_off(*arguments: object) -> None:
        nonlocal copied
        copied += 1
        if copied == 9:
            raise ConnectionError("the cable")
        copy(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(moving, "_copy", breaks_off)
        assert terminal.run("db", "copy", "--to", server, "--yes").exit_code == 1
    assert not any(counts(server).values())
    with world.service.store.read() as connection:
        work_queue.backlog(connection, world.clock.now())
    moved(world, monkeypatch, server)
