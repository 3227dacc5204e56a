"""A rehearsal with an agency's own names: the sandbox is built as a mapping calls things, and people speak its words."""

import json
import random
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from mappings.load import load
from sync.cli import main
from sync.sandbox import Sandbox, SandboxServer
from sync.sandbox.situations import populate
from tests.patience import PATIENCE

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)

EVERY_NAME = """\
time_zone: Europe/Berlin
portfolio:
  object: Kundenkonten
  properties: {name: kunde, status: werbestand, refresh_date: naechste_werbung, cadence: rhythmus, ad_lab_link: lab}
  owners: {account_manager: betreuer, social_ad_specialist: sas, copywriter: texter, graphic_designer: grafik}
  statuses:
    refresh_request_submitted: angefragt
    no_refresh_requested: abgelehnt
    deliverables_submitted: eingereicht
    creatives_pending_approval: beim_kunden
    creatives_approved: freigegeben
    creatives_implemented: live
  condition: [{property: tier, in: [Gold, Platin]}]
ticket:
  pipeline: Werbemittel
  in_progress: In Arbeit
  pending_approval: Zur Freigabe
  properties: {folder: ordner, needs_revisions: korrektur, copy_approval: text_ok, graphic_approval: grafik_ok}
  owners: {copywriter: texter_t, graphic_designer: grafik_t}
  revisions: {copy: Text, graphic: Grafik, copy_and_graphic: Text und Grafik}
  approved: Ja
  approval_reset: Nein
task: {key_property: werbe_key}
cadence:
  default: monatlich
  values: {monatlich: 1 month, vierteljaehrlich: 1 quarter}
roles:
  copywriter: {label: Texter, fallback_owner: studio@agentur.example}
  graphic_designer: {label: Grafik, fallback_owner: '4711'}
"""

Desk = Callable[..., Result]


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sync.log.configure", lambda *_args, **_options: None)
    (tmp_path / "agency.yaml").write_text(EVERY_NAME, encoding="utf-8")
    return tmp_path


@pytest.fixture
def sandbox(directory: Path) -> Sandbox:
    return Sandbox(start=START, ticking=True, mapping=load(directory / "agency.yaml"))


@pytest.fixture
def desk(directory: Path, sandbox: Sandbox) -> Iterator[Desk]:
    """Runs commands in the directory, with what `handoffs sandbox --mapping agency.yaml` prints."""
    with SandboxServer(sandbox, pump=False) as server:
        environment = {
            "HUBSPOT_BASE_URL": server.url,
            "HUBSPOT_ACCESS_TOKEN": sandbox.token,
            "HUBSPOT_APP_ID": str(sandbox.app_id),
            "EMAIL_URL": "hubspot:777",
            "DATABASE_URL": "sqlite:///sandbox.db",
            "MAPPING": str(directory / "agency.yaml"),
            "SANDBOX_URL": server.url,
        }

        def run(*arguments: str, code: int = 0) -> Result:
            sandbox.people.flush_search()
            result = CliRunner(env=environment).invoke(main, list(arguments))
            assert result.exit_code == code, result.output
            return result

        yield run


def now(desk: Desk, *arguments: str, code: int = 0) -> Result:
    return desk("sandbox", "now", *arguments, code=code)


def do(desk: Desk, *arguments: str, code: int = 0) -> Result:
    return desk("sandbox", "do", *arguments, code=code)


def test_people_are_called_as_the_agency_calls_them(desk: Desk) -> None:
    """By a role's label, the property for it, or a part of a name; stand-ins have no blank at the end of theirs."""
    do(desk, "create-portfolio", "Acme", "--without", "Grafik")
    for who in ("Texter", "betreuer", "sas", "Dana", "Amelia Marsh"):
        do(desk, "--by", who, "note", "portfolio", "acme", f"by {who}")
    told = do(desk, "--by", "Doe", "note", "portfolio", "acme", "x", code=1).stderr
    assert "nobody here is “Doe”" in told
    assert "“Texter”" in told
    assert "“Studio”" in told


def test_a_wrong_use_below_now_names_the_help_as_one_types_it(desk: Desk) -> None:
    told = now(desk, "plan", "--at", "tomorrow", code=2).stderr
    assert "See `handoffs sandbox now plan --help`." in told.replace("main ", "handoffs ")


def test_the_clock_speaks_the_portals_time(desk: Desk) -> None:
    assert re.fullmatch(r"2026-11-0\dT\d\d:\d\d:\d\d\+01:00\n", desk("sandbox", "clock").stdout)


def findings(desk: Desk, code: int) -> list[str]:
    return misfits(now(desk, "check", "--json", code=code))


def misfits(checked: Result) -> list[str]:
    """Where the mapping and the portal differ; here nobody listens at PUBLIC_URL."""
    found = json.loads(checked.stdout)["findings"]
    return [one["where"] for one in found if one["where"] != "PUBLIC_URL"]


def test_the_mapping_fits_the_portal_that_is_built_from_it(desk: Desk) -> None:
    [only] = findings(desk, 5)
    assert only.endswith("task.key_property")
    desk("setup", "--apply", "--yes")
    assert findings(desk, 0) == []


@pytest.mark.parametrize(
    "mapping",
    [
        "portfolio: {object: 2-77}",
        "portfolio: {object: p123_client_accounts}",
        "portfolio: {object: client_accounts}",
        "portfolio: {object: Client Account}",
        "portfolio: {condition: [{property: tier, in: ['', Gold]}, {property: creative_refresh_cadence, in: [Weekly]}]}",
        "ticket: {pipeline: '12', in_progress: '880001', pending_approval: '34'}",
        "ticket: {in_progress: New, pending_approval: Closed}",
        "ticket: {owners: {}}",
        "time_zone: Asia/Tokyo",
    ],
)
def test_whatever_a_mapping_calls_things(directory: Path, mapping: str) -> None:
    (directory / "other.yaml").write_text(f"{mapping}\n", encoding="utf-8")
    made = Sandbox(start=START, mapping=load(directory / "other.yaml"), with_task_property=True)
    populate(made.portal, made.process, 11, random.Random(1))
    with SandboxServer(made, pump=False) as server:
        environment = {"HUBSPOT_BASE_URL": server.url, "HUBSPOT_ACCESS_TOKEN": made.token, "MAPPING": "other.yaml"}
        environment |= {"HUBSPOT_APP_ID": str(made.app_id), "EMAIL_URL": "console:"}
        result = CliRunner(env=environment).invoke(main, ["sandbox", "now", "--url", server.url, "check", "--json"])
    assert misfits(result) == [], result.output


def test_a_cycle_in_its_own_words(desk: Desk, sandbox: Sandbox) -> None:
    desk("setup", "--apply", "--yes")
    now(desk, "sweep")
    do(desk, "create-portfolio", "Müller Bäckerei", "--date", "2026-11-10", "--cadence", "monatlich")
    now(desk, "poll")
    do(desk, "--by", "Amelia Marsh", "note", "portfolio", "müller", "Bitte wärmer")
    do(desk, "--by", "amelia.marsh@agency.example", "set-status", "müller", "angefragt")
    desk("sandbox", "clock", "--advance", "8d")
    now(desk, "sweep")
    ticket = do(desk, "--by", "social_ad_specialist", "create-ticket", "müller", "Herbstvideo",
                "--folder", "Herbst", "--stage", "in arbeit").stdout.strip()  # fmt: skip
    now(desk, "poll")
    do(desk, "set-status", "müller", "eingereicht")
    do(desk, "set", "ticket", "herbst", "text_ok=ja", "texter_t=Cody Wright")
    do(desk, "move", "Herbstvideo", "zur freigabe")
    now(desk, "poll")
    do(desk, "revise", "Herbstvideo", "Text")
    now(desk, "poll")
    do(desk, "move", "Herbstvideo", "Zur Freigabe")
    now(desk, "poll")
    do(desk, "set-status", "müller", "freigegeben")
    now(desk, "poll")
    do(desk, "complete", "Implement New Creatives")
    desk("sandbox", "clock", "--advance", "3m")
    now(desk, "poll")
    [client] = sandbox.people.portfolios()
    assert (client["werbestand"], client["naechste_werbung"]) == ("", "2026-12-10")
    assert sandbox.people.ticket(ticket)["texter_t"] == sandbox.people.owner("copywriter")
    assert "Nothing is missing, doubled or unexplained." in now(desk, "verify").stdout
    told = " ".join(now(desk, "explain", "müller", "--cycle", "previous").stdout.split())
    assert "task write copy → Cody Wright (Texter): done" in told
    shown = desk("sandbox", "show", "emails").stdout
    assert "Client approved: please implement the new creatives of Müller Bäckerei" in shown
    assert re.search(r"^  text +Hello|^  text +\w", shown, re.MULTILINE), shown
    for part in ("Zur Freigabe", "Werbemittel", "Cody Wright <cody.wright@agency.example>"):
        assert part in desk("sandbox", "show", "tickets").stdout
    shown = desk("sandbox", "show", "tasks", "müller").stdout
    assert "on portfolio                 " in shown
    assert "“Müller Bäckerei”" in shown, "a client by its name, beside its id"
    assert re.search(r"hs_timestamp +20[0-9-]+ 17:00\n", shown), "as the portal's clock shows it"
    assert desk("sandbox", "show", "tasks", "Quux").stdout == ""
    raw = json.loads(desk("sandbox", "show", "tickets", "--json").stdout)["tickets"]
    assert json.loads(desk("sandbox", "show", "tickets", "cody wright", "--json").stdout)["tickets"] == raw
    assert raw[0]["texter_t"] == sandbox.people.owner("copywriter"), "scripts get what the CRM keeps"


@pytest.mark.parametrize("how", [[], ["--json"]], ids=["in words", "as JSON"])
def test_half_an_emoji_is_shown(desk: Desk, sandbox: Sandbox, how: list[str]) -> None:
    """The CRM keeps a text that was cut in the middle of one; no terminal prints it."""
    sandbox.people.create_portfolio("Acme \ud83d", "2026-11-10")
    assert "Acme \N{REPLACEMENT CHARACTER}" in desk("sandbox", "show", "portfolios", *how).stdout


def test_what_the_history_of_a_record_can_bring(desk: Desk, sandbox: Sandbox) -> None:
    people = sandbox.people
    first, second = (people.create_portfolio(name, "2026-11-10") for name in ("Acme", "Acme Doppelt"))
    made = do(desk, "merge", "portfolio", first, "Doppelt").stdout.strip()
    assert made not in {first, second}
    assert [one.id for one in people.portfolios()] == [made]
    assert "Doppelt" not in desk("sandbox", "show", "portfolios").stdout, "the first one's values stand"
    do(desk, "delete", "portfolio", made)
    assert people.portfolios() == ()
    do(desk, "restore", "portfolio", made)
    assert [one.id for one in people.portfolios()] == [made]
    task = people.create_task("Call", [("portfolio", made)])
    do(desk, "complete", "Call")
    do(desk, "reopen", "Call")
    assert people.task(task).open


@pytest.mark.parametrize(
    ("act", "said"),
    [
        (
            ["set-status", "Acme", "lif"],
            "“lif” is no status here: did you mean “live”? There are “angefragt”, “abgelehnt”",
        ),
        (
            ["create-ticket", "Acme", "Ad", "--stage", "Freigabe"],
            "no stage here: did you mean “Zur Freigabe”? There are “New”",
        ),
        (["move", "Banner", "In Progress"], "“In Progress” is no stage here"),
        (["revise", "Banner", "Copy Revisions Only"], "no kind of revisions here: There are “Text”, “Grafik”"),
        (["create-portfolio", "B", "--cadence", "Monthly"], "“Monthly” is no cadence here"),
        (
            ["create-portfolio", "B", "--without", "schreiber"],
            "“schreiber” is no role: did you mean “copywriter”? There are “Account Manager”",
        ),
        (["--by", "Amely", "set-date", "Acme", "2026-12-01"], "nobody here is “Amely”: There are “Account Manager”"),
        (["set-status", "Acne", "live"], "there is no portfolio “Acne”: did you mean “Acme”?"),
        (["set-status", "mueller", "live"], "there is no portfolio “mueller”: did you mean “Müller & Söhne”?"),
        (["set-status", "muller", "live"], "there is no portfolio “muller”: did you mean “Müller & Söhne”?"),
        (["complete", "nothing"], "there is no task “nothing”: `handoffs sandbox show tasks` lists them"),
        (["deactivate", "nobody"], "nobody here is “nobody”"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_wrong_word_is_answered_with_the_right_ones(desk: Desk, sandbox: Sandbox, act: list[str], said: str) -> None:
    acme = sandbox.people.create_portfolio("Acme", "2026-11-10")
    sandbox.people.create_ticket("Banner", "Herbst", acme)
    sandbox.people.create_portfolio("Müller & Söhne", "2026-11-10")
    result = do(desk, *act, code=1)
    assert result.stdout == ""
    assert said in result.stderr


def test_commands_go_by_the_sandboxs_clock(desk: Desk) -> None:
    desk("sandbox", "clock", "--advance", "30d")
    desk("setup", "--apply", "--yes")
    assert "Sweep on Wed 2 Dec 2026" in now(desk, "sweep").stdout
    assert "sweep Wed 2 Dec 2026" in now(desk, "status", code=1).stdout
    assert "has a clock of its own" in now(desk, "demo", code=2).stderr
    assert "No such command" in now(desk, "swep", code=2).stderr


def test_it_prints_all_that_serve_needs_and_serve_goes_by_its_clock(directory: Path, tmp_path: Path) -> None:
    """From the printed lines alone: the service is ready, hears of a new client, and makes the task, weeks from now."""
    inherited = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
    handoffs = [sys.executable, "-m", "sync"]

    def start(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [*handoffs, *arguments], cwd=directory, env={**inherited, **environment}, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def run(*arguments: str, **environment: str) -> str:
        done = subprocess.run(
            [*handoffs, *arguments], cwd=directory, env={**inherited, **environment}, text=True, capture_output=True,
            timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    port = str(_free_port())
    portal = start(
        "sandbox", "--mapping", "agency.yaml", "--port", "0", "--webhooks", f"http://127.0.0.1:{port}", "--clock",
        "2027-03-01T09:00+01:00",
    )  # fmt: skip
    service = None
    try:
        assert portal.stdout is not None
        settings: dict[str, str] = {}
        for line in portal.stdout:
            if found := re.fullmatch(r"export (\w+)=(.*)\n", line):
                settings[found[1]] = found[2].strip("'")
            if "SANDBOX_URL" in settings:
                break
        assert settings["PORT"] == port
        run("subscriptions", "--out", "project", **settings)
        run("setup", "--apply", "--yes", **settings)
        service = start("sandbox", "now", "serve", **settings)
        _until(lambda: _answers(f"http://127.0.0.1:{port}/healthz"))  # else the first delivery comes again in a minute
        run("sandbox", "do", "create-portfolio", "Acme", "--date", "2027-03-10", **settings)
        _until(lambda: "Contact Client" in run("sandbox", "show", "tasks", **settings))
        assert "sweep Mon 1 Mar 2027" in run("sandbox", "now", "status", **settings)
    finally:
        for process in filter(None, (service, portal)):
            process.send_signal(signal.SIGTERM)
        codes = [process.wait(PATIENCE) for process in (service, portal) if process is not None]
        for process in filter(None, (service, portal)):
            process.communicate()
    assert codes == [0, 0]


def _free_port() -> int:
    import socket

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def _until(true: Callable[[], Any]) -> None:
    import time

    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end
        time.sleep(0.5)
