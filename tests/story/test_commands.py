"""The commands against a simulated CRM, over real sockets; the ones that stay, as real processes."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests
from click.testing import CliRunner, Result

from sync.cli import main
from sync.clock import SystemClock, local_date
from sync.sandbox import Fault, Names, Quirks, Sandbox, SandboxServer
from sync.sandbox.schema import Property
from sync.storage.database import open_store
from sync.storage.tables import effects, processes, runs, sweeps, work_items
from tests.alive import alive
from tests.patience import PATIENCE

HANDOFFS = [sys.executable, "-m", "sync"]


class Desk:
    """An admin's desk: a portal with people, a directory of one's own, and the commands."""

    def __init__(self, directory: Path, sandbox: Sandbox, url: str) -> None:
        self.directory = directory
        self.sandbox = sandbox
        self.people = sandbox.people
        self.url = url
        self.environment = {
            "HUBSPOT_ACCESS_TOKEN": sandbox.token,
            "HUBSPOT_APP_ID": str(sandbox.app_id),
            "HUBSPOT_BASE_URL": url,
            "DATABASE_URL": f"sqlite:///{directory / 'handoffs.db'}",
            "EMAIL_URL": "hubspot:777",
        }

    def day(self, ahead: int) -> str:
        """So many days from today, as the portal counts its days."""
        zone = ZoneInfo(self.sandbox.portal.account.time_zone)
        return (local_date(self.sandbox.clock.now(), zone) + timedelta(days=ahead)).isoformat()

    def mapping(self, text: str) -> None:
        """Use a mapping that says this."""
        (self.directory / "mapping.yaml").write_text(text, encoding="utf-8")
        self.environment["MAPPING"] = str(self.directory / "mapping.yaml")

    def run(self, *arguments: str, **environment: str) -> Result:
        """One command in this process; searches see all that was done before, and `status` a service that runs."""
        if arguments[0] == "status":
            alive(self.environment["DATABASE_URL"], SystemClock())
        self.people.flush_search()
        return CliRunner(env={**self.environment, **environment}).invoke(main, list(arguments))

    def json(self, *arguments: str, **environment: str) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.run(*arguments, "--json", **environment).stdout)
        return told

    def start(self, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
        """A command in a process of its own, as a shell starts it."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HUBSPOT_")}
        return subprocess.Popen(
            [*HANDOFFS, *arguments],
            cwd=self.directory,
            env={**inherited, "PYTHONPATH": str(Path(__file__).parents[2]), **self.environment, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def rows(self, table: Any) -> list[Any]:
        store = open_store(self.environment["DATABASE_URL"])
        try:
            with store.read() as connection:
                return list(connection.execute(table.select()).all())
        finally:
            store.close()


MakeDesk = Callable[..., Desk]


@pytest.fixture
def make_desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[MakeDesk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sync.log.configure", lambda *_args, **_options: None)
    servers: list[SandboxServer] = []

    def make(**options: Any) -> Desk:
        sandbox = Sandbox(**{"ticking": True, "with_task_property": True, **options})
        servers.append(SandboxServer(sandbox).start())
        return Desk(tmp_path, sandbox, servers[-1].url)

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def desk(make_desk: MakeDesk) -> Desk:
    return make_desk()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(what: Callable[[], bool], process: "subprocess.Popen[str]") -> None:
    """Until it is so; fails with what the process said if it takes too long."""
    end = time.monotonic() + PATIENCE
    while not what():
        if process.poll() is not None or time.monotonic() > end:
            process.kill()
            pytest.fail("\n".join(process.communicate()))
        time.sleep(0.05)


def ended(process: "subprocess.Popen[str]", number: int = signal.SIGTERM) -> tuple[int, str, str]:
    """End a process by a signal: its exit code, stdout and stderr."""
    process.send_signal(number)
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def answers(url: str, status: int = 200) -> bool:
    try:
        return requests.get(url, timeout=2).status_code == status
    except requests.RequestException:
        return False


# -- setup


def test_setup_shows_asks_creates_and_then_changes_nothing(make_desk: MakeDesk) -> None:
    desk = make_desk(with_task_property=False)
    shown = desk.run("setup")
    assert (shown.exit_code, shown.stdout) == (0, "task property handoff_key: missing\n")
    refused = desk.run("setup", "--apply")
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "add --yes" in refused.stderr
    assert desk.json("setup") == {
        "version": 1, "task_property": "handoff_key", "missing": True, "created": False, "misfits": [],
        "key_carrier": "property",
    }  # fmt: skip
    assert desk.run("setup", "--apply", "--yes").stdout == "task property handoff_key: created\n"
    made = desk.sandbox.portal.type("task").properties["handoff_key"]
    assert (made.type, made.group, made.hidden, made.unique) == ("string", "task_information", True, True)
    again = desk.run("setup", "--apply", "--yes")
    assert (again.exit_code, again.stdout) == (0, "task property handoff_key: there\n")


def test_setup_does_without_uniqueness_where_the_portal_has_none(make_desk: MakeDesk) -> None:
    desk = make_desk(with_task_property=False, quirks=Quirks(unique_task_property=False))
    assert desk.run("setup", "--apply", "--yes").exit_code == 0
    assert not desk.sandbox.portal.type("task").properties["handoff_key"].unique


SCOPES = ("crm.schemas.contacts.write", "crm.schemas.tasks.write")

DEFINITION = ("label “Handoff key”", "internal name handoff_key", "group task_information", "“Single-line text”")


def other_scope(desk: Desk) -> None:
    desk.sandbox.portal.app.scopes.add("crm.schemas.tasks.write")
    assert desk.run("setup", "--apply", "--yes").exit_code == 0


def by_hand(desk: Desk) -> None:
    desk.sandbox.portal.define_property("0-27", Property("handoff_key", "Handoff key", group="task_information"))


def no_property(desk: Desk) -> None:
    desk.mapping("task: {key_carrier: body}")
    assert desk.run("setup").stdout == "task property: not needed, keys are in the tasks' bodies (task.key_carrier)\n"


@pytest.mark.parametrize(
    ("quirks", "code", "way_out"),
    [
        ({"task_property_scope": "crm.schemas.tasks.write"}, 4, other_scope),
        ({"task_property_scope": "crm.schemas.tasks.write"}, 4, by_hand),
        ({"task_property_scope": "crm.schemas.tasks.write"}, 4, no_property),
        ({"task_properties": "refused"}, 1, by_hand),
        ({"task_properties": "refused"}, 1, no_property),
    ],
)
def test_where_the_property_cannot_be_made_each_way_out_leads_out(
    make_desk: MakeDesk, quirks: dict[str, Any], code: int, way_out: Callable[[Desk], None]
) -> None:
    desk = make_desk(with_task_property=False, quirks=Quirks(**quirks))
    desk.people.create_portfolio("Acme", desk.day(5))
    for command in (("sweep",), ("check",)):
        told = desk.run(*command)
        assert told.exit_code == 5
        assert "`handoffs setup --apply`" in told.output
        assert "`key_carrier: body` under" in told.output
    refused = desk.run("setup", "--apply", "--yes")
    assert refused.exit_code == code
    for word in (*SCOPES, *DEFINITION, "{key_carrier: body}"):
        assert word in refused.stderr
    way_out(desk)
    assert desk.run("check").exit_code == 0
    assert desk.run("sweep").exit_code == 0
    assert [task.subject for task in desk.people.all_tasks()] == ["Contact Client About Creative Refresh: Acme"]
    assert desk.run("verify").exit_code == 0


def test_setup_makes_a_visible_property_where_hidden_ones_are_refused(make_desk: MakeDesk) -> None:
    desk = make_desk(with_task_property=False, quirks=Quirks(task_properties="visible"))
    done = desk.run("setup", "--apply", "--yes")
    assert done.exit_code == 0
    assert "People see it on tasks" in done.stderr
    made = desk.sandbox.portal.type("task").properties["handoff_key"]
    assert (made.hidden, made.unique) == (False, True)


def test_check_says_what_carries_the_keys(make_desk: MakeDesk) -> None:
    desk = make_desk(with_task_property=False)
    desk.mapping("task: {key_carrier: body}")
    assert "a mark in the body carries the key" in desk.run("check").stdout


def test_setup_lists_every_misfit_and_is_5(desk: Desk) -> None:
    desk.mapping("portfolio: {properties: {status: colour}}\nticket: {pipeline: Plumbing}")
    result = desk.run("setup")
    assert result.exit_code == 5
    assert "misfit: portfolio.properties.status: the portal's portfolio has no property “colour”" in result.stdout
    assert "misfit: ticket.pipeline: the portal has no ticket pipeline “Plumbing”" in result.stdout


# -- sweep and poll


def test_a_sweep_works_to_the_end_and_a_second_finds_nothing_to_do(desk: Desk) -> None:
    for n in range(3):
        desk.people.create_portfolio(f"Client {n}", desk.day(5))
    desk.people.create_portfolio("Later", desk.day(50))
    desk.sandbox.clock.advance(timedelta(seconds=5))  # what is read as it changes is read again
    first = desk.json("sweep")
    # The fourth too: no pass has found it yet, and the board and `list` are to show it.
    wanted = {"marked": 4, "done": 6, "failed": 0, "unknown": 0, "not_sent": 0, "held": 0, "errors": 0}
    assert first | {"version": 1, "command": "sweep", "today": desk.day(0), **wanted} == first
    assert len(desk.people.all_tasks()) == 3
    second = desk.run("sweep")
    assert second.exit_code == 0
    assert "0 records found, 0 looked at\n       0  effects done\n" in second.stdout


def test_another_today_decides_by_that_day_and_does_not_stand_for_its_sweep(desk: Desk) -> None:
    portfolio = desk.people.create_portfolio("Later", desk.day(50))
    told = desk.json("sweep", "--today", desk.day(40))
    assert told | {"today": desk.day(40), "done": 2} == told
    assert len(desk.people.tasks("portfolio", portfolio)) == 1
    assert desk.rows(sweeps) == []
    desk.run("sweep")
    assert [row.day for row in desk.rows(sweeps)] == [desk.day(0)]


def test_a_poll_finds_what_was_changed(desk: Desk) -> None:
    desk.run("poll")
    portfolio = desk.people.create_portfolio("Acme", desk.day(90))
    desk.people.create_ticket("Ad", "Set A", portfolio)
    result = desk.run("poll")
    assert result.exit_code == 0
    assert "2  effects done" in result.stdout


def test_a_held_sweep_is_3_until_it_is_released(desk: Desk) -> None:
    desk.mapping("rules: {effects_per_hour: 3}")
    for n in range(2):
        desk.people.create_portfolio(f"Client {n}", desk.day(5))
    held = desk.run("sweep")
    assert held.exit_code == 3
    assert "4 effects held. `handoffs release --reason …` lets them go." in held.stderr
    assert desk.run("sweep").exit_code == 3, "and it stays so, whoever looks"
    assert desk.people.all_tasks() == ()
    assert "Released: 2 records with 4 effects" in desk.run("release", "--reason", "meant so", "--all").stdout
    assert desk.run("poll").exit_code == 0
    assert len(desk.people.all_tasks()) == 2


def test_what_the_crm_refuses_is_1_and_told_with_its_words(desk: Desk) -> None:
    rule = {
        "name": "r",
        "type": "task",
        "property": "hs_task_subject",
        "pattern": "never",
        "message": "Not so, please.",
    }
    desk.people.set_rules(rule)
    portfolio = desk.people.create_portfolio("Acme", desk.day(5))
    result = desk.run("sweep")
    assert result.exit_code == 1
    assert "Not so, please." in result.stderr
    assert "1  effects that the CRM or the mail server refused" in result.stdout
    status = desk.run("status")
    assert status.exit_code == 1
    assert f"handoff 1, portfolio {portfolio} “Acme”: task kickoff" in status.stdout
    assert "VALIDATION_ERROR" in status.stdout
    assert desk.json("explain", portfolio)["handoffs"][0]["state"] == "due"
    desk.people.set_rules()
    assert desk.run("sweep").exit_code == 0
    assert desk.json("status")["failed"] == 0


def test_an_answer_that_never_came_is_1_and_unknown(desk: Desk) -> None:
    desk.people.create_portfolio("Acme", desk.day(5))
    desk.sandbox.faults.add(Fault("lost", endpoint="POST */batch/create", times=1))
    assert desk.run("sweep").exit_code == 1
    assert desk.json("status")["unknown"] == 1


def test_a_mail_server_that_cannot_be_reached_is_1_and_names_the_setting(desk: Desk) -> None:
    desk.people.create_portfolio("Acme", desk.day(5))
    mail = {"EMAIL_URL": f"smtp://127.0.0.1:{free_port()}", "EMAIL_FROM": "handoffs@agency.example"}
    result = desk.run("sweep", **mail)
    assert result.exit_code == 1
    assert "1  effects not sent" in result.stdout
    assert "check EMAIL_URL" in result.stderr
    assert "not sent" in desk.run("status", **mail).stdout


def test_without_an_email_setting_emails_are_blocked_and_the_rest_is_done(desk: Desk) -> None:
    desk.people.create_portfolio("Acme", desk.day(5))
    del desk.environment["EMAIL_URL"]
    assert desk.run("sweep").exit_code == 0
    assert "EMAIL_URL is not set" in desk.run("status").stdout
    assert len(desk.people.all_tasks()) == 1


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ("portfolio: {object: gardens}", "the portal has no custom object 'gardens'"),
        ("ticket: {pipeline: Plumbing}", "ticket.pipeline: the portal has no ticket pipeline “Plumbing”"),
        ("ticket: {in_progress: Doing}", "ticket.in_progress: the pipeline “Deliverables” has no stage “Doing”"),
        ("portfolio: {properties: {status: colour}}", "portfolio.properties.status: the portal's portfolio has no"),
    ],
)
def test_a_mapping_that_does_not_fit_is_5_and_nothing_is_done(desk: Desk, mapping: str, message: str) -> None:
    desk.people.create_portfolio("Acme", desk.day(5))
    desk.mapping(mapping)
    for command in (["sweep"], ["poll"], ["explain", "Acme"]):
        result = desk.run(*command)
        assert (result.exit_code, result.stdout) == (5, ""), command
        assert message in result.stderr
    assert desk.people.all_tasks() == ()


@pytest.mark.parametrize("command", [["sweep"], ["poll"], ["explain", "1"], ["setup"]])
def test_a_refused_token_is_4(desk: Desk, command: list[str]) -> None:
    result = desk.run(*command, HUBSPOT_ACCESS_TOKEN="pat-old")
    assert (result.exit_code, result.stdout) == (4, "")
    assert "HUBSPOT_ACCESS_TOKEN" in result.stderr


def test_a_task_property_that_is_missing_is_5_and_names_the_command(make_desk: MakeDesk) -> None:
    desk = make_desk(with_task_property=False)
    desk.people.create_portfolio("Acme", desk.day(5))
    result = desk.run("sweep")
    assert result.exit_code == 5
    assert "handoffs setup --apply" in result.stderr
    assert "handoffs setup" in desk.run("explain", "Acme").stdout


# -- explain


def handoff(told: dict[str, Any], number: str) -> dict[str, Any]:
    [found] = [each for each in told["handoffs"] if each["handoff"] == number]
    return dict(found)


def test_explain_tells_each_handoff_before_and_after_and_changes_nothing(desk: Desk) -> None:
    desk.run("sweep")
    portfolio = desk.people.create_portfolio("Acme", desk.day(5), account_manager=None)
    before = desk.json("explain", portfolio)
    assert [each["handoff"] for each in before["handoffs"]] == ["1", "2a", "2b", "3", "4", "5", "6", "7", "8", "9"]
    assert before["portfolio"] | {"id": portfolio, "name": "Acme"} == before["portfolio"]
    assert before["cycle"] == {"started": None, "ended": None}
    assert before["dirty"] is None
    assert handoff(before, "1")["state"] == "blocked"
    assert "roles.account_manager.fallback_owner" in handoff(before, "1")["reason"]
    assert handoff(before, "3")["state"] == "waiting"
    assert handoff(before, "3")["when"].startswith(desk.day(5))
    assert desk.rows(work_items) == []
    assert desk.rows(effects) == []
    assert desk.people.all_tasks() == ()
    desk.people.set("portfolio", portfolio, {"account_manager": desk.people.owner("account_manager")})
    desk.run("sweep")
    [task] = desk.people.tasks("portfolio", portfolio)
    after = handoff(desk.json("explain", portfolio), "1")
    assert after["state"] == "done"
    assert [(each["kind"], each["state"]) for each in after["effects"]] == [("task", "done"), ("email", "done")]
    assert after["effects"][0]["id"] == task.id
    assert task.id in after["effects"][0]["url"]


def test_explain_tells_tickets_one_by_one_and_a_partly_blocked_one(desk: Desk) -> None:
    desk.run("sweep")
    portfolio = desk.people.create_portfolio("Acme", desk.day(90), copywriter=None)
    tickets = [desk.people.create_ticket(f"Ad {n}", "Set A", portfolio) for n in range(2)]
    desk.run("poll")
    told = desk.json("explain", portfolio)
    four = handoff(told, "4")
    assert [each["record"]["id"] for each in four["records"]] == tickets
    assert four["state"] == "blocked"
    assert {(each["role"], each["state"]) for each in four["effects"]} == {
        ("copywriter", "blocked"),
        ("graphic_designer", "done"),
    }
    assert handoff(told, "5")["state"] == "waiting"
    text = desk.run("explain", portfolio).stdout
    assert "4   Tickets created       blocked" in text
    folded = [line for line in text.splitlines() if "https://" not in line]
    assert max(map(len, folded)) <= 80
    assert not [line for line in text.splitlines() if line != line.rstrip()]


def test_explain_tells_a_cadence_that_the_mapping_does_not_know(make_desk: MakeDesk) -> None:
    desk = make_desk(names=Names(cadences=()))
    desk.run("sweep")
    portfolio = desk.people.create_portfolio("Acme", desk.day(5), cadence="99999")
    desk.people.set_status(portfolio, "No Refresh Requested")
    desk.sandbox.clock.advance(timedelta(minutes=3))
    told = handoff(desk.json("explain", portfolio), "2a")
    assert told["state"] == "blocked"
    assert "the cadence “99999” is not in the mapping (cadence.values)" in told["reason"]
    assert desk.run("poll").exit_code == 0
    assert "cadence.values" in desk.run("status").stdout


def test_explain_finds_by_name_and_lists_those_of_one_name(desk: Desk) -> None:
    first = desk.people.create_portfolio("Acme Shoes", desk.day(5))
    assert desk.json("explain", "acme shoes ")["portfolio"]["id"] == first
    second = desk.people.create_portfolio("Acme Shoes", desk.day(5))
    result = desk.run("explain", "Acme Shoes")
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"  {first}  Acme Shoes\n  {second}  Acme Shoes" in result.stderr


@pytest.mark.parametrize("wanted", ["4711", "Nobody", " "])
def test_explain_of_nothing_is_1_and_one_line(desk: Desk, wanted: str) -> None:
    result = desk.run("explain", wanted)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"Error: there is no portfolio with the id or name “{wanted}”")
    assert result.stderr.count("\n") == 1


def test_status_answers_while_the_crm_is_down(desk: Desk) -> None:
    desk.run("sweep")
    assert desk.run("status", HUBSPOT_BASE_URL="http://127.0.0.1:1", HUBSPOT_ACCESS_TOKEN="").exit_code == 0


# -- as processes


def test_serve_listens_hears_webhooks_and_ends_in_order(desk: Desk) -> None:
    port = free_port()
    public = f"http://127.0.0.1:{port}"
    desk.sandbox.delivery.subscribe_all(["ticket", "task", "creative_portfolios"])
    desk.sandbox.delivery.target = f"{public}/webhooks/hubspot"
    process = desk.start("serve", PORT=str(port), PUBLIC_URL=public, HUBSPOT_CLIENT_SECRET=desk.sandbox.client_secret)
    wait_for(lambda: answers(f"{public}/readyz"), process)
    portfolio = desk.people.create_portfolio("Acme", desk.day(5))
    wait_for(lambda: len(desk.people.tasks("portfolio", portfolio)) == 1, process)
    assert desk.run("sweep").exit_code == 0, "a command beside it shares the work"
    code, out, err = ended(process)
    assert (code, out) == (0, "")
    assert f"http://0.0.0.0:{port}" in err
    assert "Traceback" not in err
    assert not answers(f"{public}/healthz")
    left = [one.part for one in desk.rows(processes) if one.ended_at is None]
    assert left == [], "each had the time to finish, and to write down that it was told to end"


def test_serve_is_not_ended_by_a_refused_token(desk: Desk) -> None:
    port = free_port()
    process = desk.start("serve", PORT=str(port), HUBSPOT_ACCESS_TOKEN="pat-old")
    wait_for(lambda: answers(f"http://127.0.0.1:{port}/readyz", 503), process)
    assert "token refused" in requests.get(f"http://127.0.0.1:{port}/readyz", timeout=5).text
    assert ended(process, signal.SIGINT)[0] == 0


def test_serve_on_a_port_in_use_is_2_and_one_message(desk: Desk) -> None:
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        process = desk.start("serve", PORT=str(other.getsockname()[1]))
        out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, "")
    assert err.startswith("Error: PORT ")
    assert err.count("\n") == 1


def test_a_receiver_alone_says_in_one_line_what_is_wrong(desk: Desk) -> None:
    command = [*HANDOFFS, "receiver"]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        env={**os.environ, **desk.environment, "PUBLIC_URL": "https://a.example", "HUBSPOT_CLIENT_SECRET": ""},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 2
    assert "Error: HUBSPOT_CLIENT_SECRET is not set" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_worker_alone_does_the_work(desk: Desk) -> None:
    portfolio = desk.people.create_portfolio("Acme", desk.day(5))
    desk.people.flush_search()
    process = desk.start("worker")
    wait_for(lambda: len(desk.people.tasks("portfolio", portfolio)) == 1, process)
    assert ended(process)[0] == 0


def test_an_interrupted_sweep_is_130_and_leaves_the_rest_marked(desk: Desk) -> None:
    desk.people.create_portfolio("Acme", desk.day(5))
    desk.people.flush_search()
    desk.sandbox.faults.add(Fault("slow", endpoint="POST */batch/read", delay=2.0, times=2))
    process = desk.start("sweep")
    wait_for(lambda: any("batch/read" in call.endpoint for call in desk.sandbox.log.since(0)), process)
    code, _, err = ended(process, signal.SIGINT)
    assert code == 130
    assert "Finishing the current group" in err
    assert "Interrupted" in err
    assert "Traceback" not in err


def test_a_reader_that_goes_away_is_no_error(desk: Desk) -> None:
    desk.run("sweep")
    process = desk.start("status", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.wait(PATIENCE)
    process.stderr.close()


# -- the sandbox as a command


def test_people_act_in_a_sandbox_from_a_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    root = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [*HANDOFFS, "sandbox", "--port", "0", "--json", "--populate", "11", "--webhooks", "none"],
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != "}\n":
        lines.append(process.stdout.readline())
    told = json.loads("".join(lines))
    assert told["environment"] | {"HUBSPOT_BASE_URL": told["url"]} == told["environment"]

    def run(*arguments: str) -> Result:
        return CliRunner(env={"SANDBOX_URL": told["url"]}).invoke(main, ["sandbox", *arguments])

    portfolio = run("do", "create-portfolio", "Acme", "--date", "2026-12-01", "--without", "copywriter").stdout.strip()
    ticket = run("do", "create-ticket", portfolio, "Ad 1", "--folder", "Set A").stdout.strip()
    assert run("do", "--by", "account_manager", "set-status", portfolio, "Deliverables Submitted").exit_code == 0
    assert run("do", "move", ticket, "Pending Approval").exit_code == 0
    assert run("do", "set", "portfolio", portfolio, "most_recent_ad_lab_link=https://a.example/x=1").exit_code == 0
    run("do", "note", "ticket", ticket, "Blue, please")
    [found] = [
        each for each in json.loads(run("show", "portfolios", "--json").stdout)["portfolios"] if each["id"] == portfolio
    ]
    assert found["creative_refresh_status"] == "Deliverables Submitted"
    assert found["most_recent_ad_lab_link"] == "https://a.example/x=1"
    assert found["on ticket"] == ticket
    assert "copywriter" not in found
    assert "Blue, please" in run("show", "notes").stdout
    refused = run("do", "set-status", portfolio, "Nonsense")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "“Nonsense” is no status here: " in refused.stderr
    assert "“Creatives Implemented”" in refused.stderr
    refused = run("do", "set", "portfolio", portfolio, "creative_refresh_status=Nonsense")  # which goes as it is typed
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "allowed options" in refused.stderr
    assert run("fault", "503", "--times", "2").stdout == "503 on *, 2 times\n"
    assert run("fault", "--clear").stdout == ""
    before = run("clock").stdout
    assert run("clock", "--advance", "1d").stdout > before
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0
    assert err.endswith("Stopped.\n")
    gone = run("show", "tasks")
    assert gone.exit_code == 1
    assert "no sandbox answers" in gone.stderr


# -- adopt and verify


def in_mid_process(desk: Desk) -> tuple[str, str]:
    """A portfolio that the client has approved, with a task that somebody made for it, and one that nobody has begun."""
    people = desk.people
    approved = people.create_portfolio("Acme", desk.day(-3), status="Creatives Completed & Approved")
    task = people.create_task("Implement new creatives for refresh", [("portfolio", approved)])
    people.create_portfolio("Bolt", desk.day(5))
    desk.sandbox.clock.advance(timedelta(minutes=1))
    return approved, task


def test_adopt_shows_asks_records_and_then_nothing_more(desk: Desk) -> None:
    approved, task = in_mid_process(desk)
    shown = desk.run("adopt")
    assert shown.exit_code == 0, shown.output
    assert f"Acme ({approved}), handoff 7" in shown.stdout
    assert f"(task {task})" in " ".join(shown.stdout.split())
    assert all(len(line) <= 80 for line in shown.stdout.splitlines())
    assert desk.rows(effects) == []

    refused = desk.run("adopt", "--apply")
    assert refused.exit_code == 3
    assert "--yes" in refused.stderr
    done = desk.json("adopt", "--apply", "--yes", "--reason", "going live")
    assert (done["applied"], done["tasks"], [it["handoff"] for it in done["due"]]) == (True, 1, ["1"])
    assert desk.json("adopt", "--apply", "--yes")["adopted"] == []
    [run] = desk.rows(runs)
    assert (run.command, run.reason) == ("adopt", "going live")

    swept = desk.json("sweep")
    assert swept["done"] == 2, "the kickoff that was listed as due: its task and its email"
    desk.people.complete_task(task)
    desk.sandbox.clock.advance(timedelta(minutes=3))
    desk.run("poll")
    assert desk.people.portfolio(approved)["creative_refresh_status"] == ""


def test_verify_is_0_where_all_is_well_and_1_with_the_cause_where_not(desk: Desk) -> None:
    in_mid_process(desk)
    desk.run("adopt", "--apply", "--yes")
    desk.run("sweep")
    well = desk.run("verify")
    assert (well.exit_code, well.stderr) == (0, "")
    assert "Nothing is missing, doubled or unexplained." in well.stdout

    [kickoff] = [task for task in desk.people.all_tasks() if task.key]
    bolt = kickoff.associations["portfolio"][0]
    copy = desk.people.create_task(kickoff.subject, [("portfolio", bolt)], handoff_key=kickoff.key)
    found = desk.run("verify", "Bolt")
    assert found.exit_code == 1
    assert "Doubled (1)" in found.stdout
    assert all(len(line) <= 80 for line in found.stdout.splitlines())
    told = desk.json("verify")
    assert (told["version"], told["ok"], told["doubled"], told["missing"]) == (1, False, 1, 0)
    assert told["findings"][0]["tasks"] == [kickoff.id, copy]
    assert desk.json("verify", "Acme")["ok"]
    assert not desk.json("verify", "--since", desk.day(0))["ok"]


@pytest.mark.parametrize("command", ["adopt", "verify"])
def test_comparing_a_portfolio_that_there_is_not_is_1_and_one_line(desk: Desk, command: str) -> None:
    found = desk.run(command, "Nobody")
    assert (found.exit_code, found.stdout) == (1, "")
    assert "Nobody" in found.stderr
