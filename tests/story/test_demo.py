"""`handoffs demo`: it plays to the end, tells the truth about what it saw, and leaves nothing behind however it ends."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from sync.errors import INTERRUPTED, ConfigurationError
from sync.sandbox import Sandbox, SandboxServer
from sync.sandbox.demo import main
from sync.sandbox.demo import stage as stage_module
from sync.sandbox.demo.audit import AMELIA, CAROUSEL, CODY, DENTAL, MAILS, TASKS, audit
from sync.sandbox.demo.display import Screen
from sync.sandbox.demo.play import START
from sync.sandbox.demo.stage import Stage, StageError
from sync.sandbox.demo.witness import SERVICE, Scene, Witness
from sync.sandbox.service import SandboxClock

PLAYS_WITHIN = 240
"""Seconds after which a demo hangs; on an idle machine it takes 33."""

pytestmark = pytest.mark.skipif(not Path("/proc/self/cwd").exists(), reason="looks for processes in /proc")


@dataclass(frozen=True)
class Performance:
    """A demo played in this process, meddled with just before its audit: the end as it was until then, and the telling."""

    scene: Scene
    numbers: dict[str, float]
    told: str
    code: int
    directory: Path


@pytest.fixture(scope="module")
def performance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Performance]:
    directory = tmp_path_factory.mktemp("performance")
    seen: list[tuple[Scene, dict[str, float]]] = []
    left: list[str] = []

    def meddle(stage: Stage) -> None:
        seen.append((Witness(stage).look(), stage.numbers()))
        people = stage.people
        dental = next(one for one in people.portfolios() if one["name"] == DENTAL)
        people.create_task("Call the client again", [("portfolio", dental.id)], owner=people.owner("account_manager"))
        people.delete_task(next(task.id for task in people.all_tasks() if task.subject == TASKS[1].subject))

    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tempfile.tempdir", str(directory))
        code = main(out=out, before_audit=meddle, afterwards=lambda stage: left.append(stage.database_url))
    assert seen, out.getvalue()
    assert Path(left[0].removeprefix("sqlite:///")).is_file(), "whoever looks on is given the database"
    yield Performance(*seen[0], out.getvalue(), code, directory)
    assert not running_in(directory)


def running_in(directory: Path) -> list[str]:
    """The processes that work in this directory or below it, also if it was deleted meanwhile."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if str((process / "cwd").readlink()).startswith(f"{directory}/"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def eventually(condition: Callable[[], bool], seconds: float = 30) -> bool:
    gives_up = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > gives_up:
            return False
        time.sleep(0.05)
    return True


# --- the play and its audit


def test_the_play_is_as_the_page_says(performance: Performance) -> None:
    finding = audit(performance.scene, performance.numbers)
    assert finding.differences == ()
    assert finding.compared > 50


def test_a_task_too_many_and_one_that_is_gone_fail_the_demo(performance: Performance) -> None:
    assert performance.code == 1
    told = " ".join(performance.told.split())
    assert "FAILED 2 things differ from what docs/process.md says:" in told
    assert "task “Call the client again” should not be there" in told
    assert f"task “{TASKS[1].subject}” is missing" in told


def test_a_failed_demo_keeps_its_logs(performance: Performance) -> None:
    (kept,) = performance.directory.iterdir()
    assert str(kept) in "".join(performance.told.split("\n"))
    assert {"service.log", "crm.log", "handoffs.db"} <= {path.name for path in kept.iterdir()}


def test_fifteen_sweeps_within_the_window_make_one_kickoff(performance: Performance) -> None:
    kickoffs = [task for task in performance.scene.tasks if task.subject == TASKS[0].subject]
    assert [task.made for task in kickoffs] == [date(2026, 10, 6)]
    assert "40 daily sweeps" in performance.told


def _without_task(scene: Scene) -> Scene:
    return replace(scene, tasks=scene.tasks[1:])


def _task_twice(scene: Scene) -> Scene:
    return replace(scene, tasks=(*scene.tasks, scene.tasks[0]))


def _task_for_another(scene: Scene) -> Scene:
    return replace(scene, tasks=(replace(scene.tasks[0], owner=CODY), *scene.tasks[1:]))


def _task_reopened(scene: Scene) -> Scene:
    return replace(scene, tasks=(replace(scene.tasks[0], closed_by=None), *scene.tasks[1:]))


def _task_elsewhere(scene: Scene) -> Scene:
    return replace(scene, tasks=(replace(scene.tasks[0], on=(CAROUSEL,)), *scene.tasks[1:]))


def _task_a_day_late(scene: Scene) -> Scene:
    late = scene.tasks[0].made + timedelta(days=1)
    return replace(scene, tasks=(replace(scene.tasks[0], made=late), *scene.tasks[1:]))


def _task_without_words(scene: Scene) -> Scene:
    return replace(scene, tasks=tuple(replace(task, body="") for task in scene.tasks))


def _mail_twice(scene: Scene) -> Scene:
    return replace(scene, mails=(*scene.mails, scene.mails[-1]))


def _mail_lost(scene: Scene) -> Scene:
    return replace(scene, mails=scene.mails[:-1])


def _mail_to_another(scene: Scene) -> Scene:
    return replace(scene, mails=(replace(scene.mails[0], to=CODY), *scene.mails[1:]))


def _mail_with_anothers_id(scene: Scene) -> Scene:
    return replace(scene, mails=(replace(scene.mails[0], message_id=scene.mails[1].message_id), *scene.mails[1:]))


def _status_not_cleared(scene: Scene) -> Scene:
    last = scene.history(DENTAL, scene.names.status)[-1]
    return replace(scene, changes=tuple(change for change in scene.changes if change is not last))


def _status_by_another(scene: Scene) -> Scene:
    first = scene.history(DENTAL, scene.names.status)[0]
    return replace(scene, changes=tuple(replace(c, by=SERVICE) if c is first else c for c in scene.changes))


def _date_in_another_write(scene: Scene) -> Scene:
    last = scene.history(DENTAL, scene.names.date)[-1]
    apart = replace(last, at=last.at + timedelta(milliseconds=1))
    return replace(scene, changes=tuple(apart if change is last else change for change in scene.changes))


def _wrong_date(scene: Scene) -> Scene:
    last = scene.history(DENTAL, scene.names.date)[-1]
    return replace(scene, changes=tuple(replace(c, after="2026-12-09") if c is last else c for c in scene.changes))


def _link_overwritten(scene: Scene) -> Scene:
    last = scene.history(DENTAL, scene.names.date)[-1]
    return replace(scene, changes=(*scene.changes, replace(last, property=scene.names.link, after="x")))


def _peoples_task_touched(scene: Scene) -> Scene:
    mine = next(change for change in scene.changes if change.kind == "task" and change.by == SERVICE)
    return replace(scene, changes=(*scene.changes, replace(mine, record="1")))


def _note_by_itself(scene: Scene) -> Scene:
    return replace(scene, notes=scene.notes + 1)


@pytest.mark.parametrize(
    ("spoil", "tells"),
    [
        pytest.param(_without_task, f"“{TASKS[0].subject}” is missing", id="a task is missing"),
        pytest.param(_task_twice, f"“{TASKS[0].subject}” should not be there", id="a task came twice"),
        pytest.param(_task_for_another, f"is for {CODY}, not {AMELIA}", id="a task is for the wrong person"),
        pytest.param(_task_reopened, "was closed by nobody", id="a task is still open"),
        pytest.param(_task_elsewhere, f"is on {CAROUSEL}, not {DENTAL}", id="a task is on the wrong record"),
        pytest.param(_task_a_day_late, "was made on 2026-10-07, not 2026-10-06", id="a task came late"),
        pytest.param(_task_without_words, "does not say “Warm autumn", id="a task does not quote the Note"),
        pytest.param(_mail_twice, f"“{MAILS[-1].subject}” should not be there", id="an email came twice"),
        pytest.param(_mail_lost, f"“{MAILS[-1].subject}” is missing", id="an email is missing"),
        pytest.param(_mail_to_another, f"went to {CODY}", id="an email went to the wrong person"),
        pytest.param(_mail_with_anothers_id, "an email came twice", id="two emails have one Message-ID"),
        pytest.param(_status_not_cleared, f"{DENTAL}: status went", id="the status was not cleared"),
        pytest.param(_status_by_another, f"{DENTAL}: status went", id="the service made a person's move"),
        pytest.param(_date_in_another_write, "not reset in one write", id="the reset took two writes"),
        pytest.param(_wrong_date, f"{DENTAL}: Refresh Date went", id="the next date is wrong"),
        pytest.param(_link_overwritten, "none of its business", id="the service wrote what it does not own"),
        pytest.param(_peoples_task_touched, "tasks of other people", id="the service touched a person's task"),
        pytest.param(_note_by_itself, "3 Notes, not 2", id="a Note too many"),
    ],
)
def test_the_audit_sees(performance: Performance, spoil: Callable[[Scene], Scene], tells: str) -> None:
    differences = audit(spoil(performance.scene), performance.numbers).differences
    assert any(tells in difference for difference in differences), differences


@pytest.mark.parametrize("name", ["handoffs_effects:blocked", "handoffs_effects:failed", "handoffs_parked"])
def test_the_audit_believes_the_service_when_it_complains(performance: Performance, name: str) -> None:
    (difference,) = audit(performance.scene, {**performance.numbers, name: 1.0}).differences
    assert "counts 1.0" in difference


# --- as a program


def demo(directory: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """The demo in a process of its own, piped, its temporary files in `directory`."""
    kept = {name: value for name, value in os.environ.items() if name not in {"FORCE_COLOR", "COLUMNS"}}
    return subprocess.Popen(
        [sys.executable, "-m", "sync.sandbox.demo", *arguments],
        env={**kept, "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1", **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        start_new_session=True,
    )


def read_until(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the demo ended before it said {text!r}")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path
    assert not running_in(tmp_path)


def test_what_is_told_to_no_terminal_is_plain_and_fits(performance: Performance) -> None:
    """That a whole demo leaves nothing is seen by `.ci/run`, which plays the README's."""
    lines = [line for line in performance.told.splitlines() if "/" not in line]  # a path is never broken
    assert len(lines) > 100
    assert "\x1b" not in performance.told
    assert max(map(len, lines)) <= 80
    assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_with_one_sentence(directory: Path, number: signal.Signals) -> None:
    with demo(directory, COLUMNS="200", PYTHONIOENCODING="ascii") as process:
        read_until(process, "silent")
        assert running_in(directory)
        process.send_signal(number)
        told, _ = process.communicate(timeout=60)
    assert process.returncode == INTERRUPTED
    assert "Stopped: the simulated CRM and the service have been ended" in " ".join(told.split())
    assert "Traceback" not in told
    assert told.isascii()
    assert not running_in(directory)
    assert not list(directory.iterdir())


def test_even_a_killed_demo_leaves_no_process_behind(directory: Path) -> None:
    with demo(directory) as process:
        read_until(process, "silent")
        process.kill()
        process.wait(timeout=30)
        assert eventually(lambda: not running_in(directory)), running_in(directory)


def test_a_reader_that_goes_away_ends_it(directory: Path) -> None:
    with demo(directory) as process:
        read_until(process, "goes live")
        assert process.stdout is not None
        process.stdout.close()
        process.wait(timeout=PLAYS_WITHIN)
    assert process.returncode != 0
    assert not running_in(directory)
    assert not list(directory.iterdir())


# --- the stage


def test_what_was_awaited_in_vain_is_named(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage_module, "PATIENCE", 0.1)
    with Stage(directory) as stage, pytest.raises(StageError, match=f"in vain for spring; the logs are in {directory}"):
        stage.until("spring", lambda: None)


def test_a_process_that_ends_is_told_at_once(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with (
        Stage(directory) as stage,
        pytest.raises(StageError, match=r"the crm process ended with code 1 while .* its log is .*/crm.log"),
    ):
        stage.start_crm(START)


def test_settings_of_the_caller_do_not_reach_the_demo(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAPPING", "/nowhere/mapping.yaml")
    monkeypatch.setenv("hubspot_access_token", "pat-of-a-real-portal")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    with Stage(directory) as stage:
        stage.start_crm(datetime(2026, 10, 5, 13, 0, tzinfo=START.tzinfo))
        stage.start_service()
        assert stage.numbers()["handoffs_dirty_due"] == 0


# --- the service's clock


def test_the_service_goes_by_the_sandboxs_clock() -> None:
    sandbox = Sandbox(start=START, ticking=True)
    with SandboxServer(sandbox) as server:
        clock = SandboxClock(server.url, fresh_for=0)
        for step in (timedelta(0), timedelta(days=40)):
            before = sandbox.clock.advance(step)
            assert before <= clock.now() <= sandbox.clock.now()
        sandbox.clock.freeze()
        assert clock.now() == sandbox.clock.now()
    assert clock.now() == sandbox.clock.now()  # the sandbox is gone: the last reading stands


def test_a_reading_serves_for_a_while() -> None:
    sandbox = Sandbox(start=START)
    with SandboxServer(sandbox) as server:
        clock = SandboxClock(server.url, fresh_for=3600)
        assert clock.now() == START
        sandbox.clock.advance(timedelta(days=1))
        assert clock.now() == START


def test_a_clock_without_a_sandbox_says_what_to_set() -> None:
    with pytest.raises(ConfigurationError, match="SANDBOX_URL"):
        SandboxClock("http://127.0.0.1:1").now()


# --- the display


def test_what_cannot_be_shown_is_written_in_ascii() -> None:
    raw = io.BytesIO()
    screen = Screen(io.TextIOWrapper(raw, encoding="ascii", write_through=True))
    screen.day(date(2026, 10, 6), "15 days – “now”")
    screen.act("Amélie", "AM", "→ 20 × …")
    text = raw.getvalue().decode("ascii")
    assert text.startswith('Tue 6 Oct 2026 - 15 days - "now" ---')
    assert "     Am?lie (AM) -> 20 x ..." in text


def test_dates_are_not_broken_over_lines() -> None:
    out = io.StringIO()
    screen = Screen(out)
    for length in range(40, 60):
        screen.sentence("x" * length + " " + "Wed⠀21⠀Oct⠀2026 and so on, for a while")
    assert out.getvalue().count("Wed 21 Oct 2026") == 20
