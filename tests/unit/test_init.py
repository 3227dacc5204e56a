"""`handoffs init`: what an installation begins with."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from mappings.load import load
from mappings.vocabulary import TaskKind
from sync.cli import main
from sync.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["init", *arguments])


def test_it_writes_settings_and_a_mapping_that_are_ready_to_be_read(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    result = run()
    assert (result.exit_code, result.stdout) == (0, "written   .env\nwritten   agency.yaml\n")
    settings = read_settings()
    assert settings.mapping == Path("agency.yaml")
    defaults = {name: field.get_default() for name, field in Settings.model_fields.items() if name != "mapping"}
    assert settings.model_dump(exclude={"mapping"}) == defaults
    assert load(settings.mapping) == load(), "nothing is changed yet"
    assert (place / ".env").stat().st_mode & 0o777 == 0o600


def test_every_line_of_the_mapping_is_a_key_with_its_default(place: Path) -> None:
    """With the # taken away it is the default still: no line names what is not there."""
    run()
    text = (place / "agency.yaml").read_text(encoding="utf-8")
    bare = re.sub(r"^#(?=\S| {2})", "", text, flags=re.MULTILINE)
    assert bare.count("\n  ") > 40
    (place / "bare.yaml").write_text(bare, encoding="utf-8")
    assert load(Path("bare.yaml")) == load()


@pytest.mark.parametrize("there", [".env", "agency.yaml"])
def test_what_is_there_is_never_replaced(place: Path, there: str) -> None:
    (place / there).write_text("mine", encoding="utf-8")
    result = run()
    assert (result.exit_code, result.stdout) == (3, "")
    assert f"{there} is there already: nothing was written" in result.stderr
    assert [path.name for path in place.iterdir()] == [there]


def test_another_directory_and_the_default_to_read(place: Path) -> None:
    assert run("srv/handoffs").exit_code == 0
    assert (place / "srv/handoffs/.env").is_file()
    assert run("--default", "all.yaml").stdout == "written   all.yaml\n"
    assert load(Path("all.yaml")) == load()
    assert run("--default", "all.yaml").exit_code == 3
    assert run("--default", "nowhere/all.yaml").exit_code == 2
    (place / "file").touch()
    assert run("file/below").exit_code == 2


def test_the_unit_is_one_that_systemd_takes(place: Path) -> None:
    assert run("srv", "--systemd").exit_code == 0
    unit = place / "srv/handoffs.service"
    text = unit.read_text(encoding="utf-8")
    assert "@" not in text
    assert f"WorkingDirectory={place / 'srv'}\n" in text
    assert f"ExecStart={Path(sys.prefix) / 'bin' / 'handoffs'} serve\n" in text
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze")
    unit.write_text(text.replace("User=handoffs", "User=daemon"), encoding="utf-8")
    done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False)
    assert "handoffs.service" not in done.stderr, done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_there_for_each_shell_of_the_page(place: Path, shell: str) -> None:
    done = subprocess.run(
        [Path(sys.prefix) / "bin" / "handoffs"], env={"PATH": "/usr/bin:/bin", "_HANDOFFS_COMPLETE": f"{shell}_source"},
        cwd=place, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "_HANDOFFS_COMPLETE" in done.stdout, done.stderr


def test_a_server_without_the_clone_can_begin(place: Path) -> None:
    """From the wheel alone, in an empty directory, with no setting: init, and what then is still to be filled in."""
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(place / "dist")]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = (place / "dist").glob("*.whl")
    installed = place / "installed"
    subprocess.run(
        [sys.executable, "-c", f"import zipfile; zipfile.ZipFile({str(wheel)!r}).extractall({str(installed)!r})"],
        check=True,
    )
    server = place / "server"
    server.mkdir()

    def handoffs(*arguments: str) -> "subprocess.CompletedProcess[str]":
        code = "import sync, sys; assert sync.__file__.startswith(sys.argv.pop(1)); from sync.cli import main; main()"
        return subprocess.run(
            [sys.executable, "-c", code, str(installed), *arguments],
            cwd=server, env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(installed)}, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert handoffs("init").stdout == "written   .env\nwritten   agency.yaml\n"
    assert [path.name for path in sorted(server.iterdir())] == [".env", "agency.yaml"]
    told = handoffs("check")
    assert told.returncode == 2
    assert "HUBSPOT_ACCESS_TOKEN is not set" in told.stderr
    assert f"read in the environment and {server / '.env'}" in told.stderr


def test_the_packaged_texts_can_be_had_to_change(place: Path) -> None:
    result = run("--templates", "templates")
    written = [line.removeprefix("written   ") for line in result.stdout.splitlines()]
    assert result.exit_code == 0
    assert len(written) == len(list((ROOT / "mappings" / "templates").glob("*.j2")))
    assert written == sorted(written)
    assert "tasks: {kickoff: {body: templates/task_kickoff.html.j2}}" in result.stderr

    mapping = place / "agency.yaml"
    mapping.write_text("tasks: {kickoff: {body: templates/task_kickoff.html.j2}}\n", encoding="utf-8")
    assert load(mapping) == load(), "a copy says what the packaged text says"
    text = place / "templates" / "task_kickoff.html.j2"
    text.write_text(text.read_text(encoding="utf-8").replace("ask the client", "ring the client"), encoding="utf-8")
    assert "ring the client" in load(mapping).tasks[TaskKind.KICKOFF].body


def test_no_copy_replaces_a_text_that_somebody_has_changed(place: Path) -> None:
    (place / "texts").mkdir()
    (place / "texts" / "task_implement.html.j2").write_text("mine", encoding="utf-8")
    result = run("--templates", "texts")
    assert (result.exit_code, result.stdout) == (3, "")
    assert "texts/task_implement.html.j2 is there already: nothing was written" in result.stderr
    assert len(list((place / "texts").iterdir())) == 1


def test_a_copy_of_two_things_at_once_is_asked_for_by_two_commands() -> None:
    assert run("--templates", "texts", "--default", "all.yaml").exit_code == 2
