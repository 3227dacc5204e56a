"""The server: the same answers as in-process, real webhooks, and the control API."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from sync.cli import main
from sync.sandbox import Fault, RemotePeople, Sandbox, SandboxServer, SmtpSink
from sync.sandbox.delivery import HttpSender
from tests.sandbox.client import NOW, PORTFOLIO, Client, make


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with SandboxServer(sandbox, pump=False) as running:
        yield running


@pytest.fixture
def control(server: SandboxServer) -> Iterator[Client]:
    with requests.Session() as session:
        yield Client(session, f"{server.url}/_sandbox")


def test_both_ways_in_give_the_same_bytes() -> None:
    answers = []
    remaining = "X-HubSpot-RateLimit-Remaining"
    for over_socket in (False, True):
        sandbox, client = make(seed=7)
        portfolio = sandbox.people.create_portfolio("Zoë & Söhne", "2026-09-10")
        for n in range(5):
            sandbox.people.create_ticket(str(n), "Set", portfolio)
        with SandboxServer(sandbox, pump=False) as server, requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {sandbox.token}"
            one = Client(session, server.url) if over_socket else client
            calls: list[tuple[str, str, Any]] = [
                ("GET", f"/crm/objects/2026-09/{PORTFOLIO}/{portfolio}?propertiesWithHistory=name", None),
                ("POST", "/crm/objects/2026-09/tickets/batch/read", {"inputs": [{"id": str(n)} for n in range(9_985, 10_000)]}),
                ("POST", f"/crm/associations/2026-09/{PORTFOLIO}/tickets/batch/read", {"inputs": [{"id": portfolio}]}),
                ("POST", "/crm/objects/2026-09/tickets/search", {"query": "é"}),
                ("GET", "/crm/owners/2026-09?limit=2&after=2", None),
                ("PATCH", "/crm/objects/2026-09/tickets/1", {"properties": {}}),
                ("DELETE", "/crm/objects/2026-09/tickets/1", None),
            ]  # fmt: skip
            responses = [one.send(*call) for call in calls]
        answers.append(
            [
                (
                    r.status_code,
                    r.content,
                    r.headers.get("Content-Type"),
                    r.headers.get(remaining),
                )
                for r in responses
            ]
        )
    assert answers[0] == answers[1]


def test_people_work_alike_here_and_from_afar() -> None:
    dumps = []
    for remote in (False, True):
        sandbox, _ = make()
        with SandboxServer(sandbox, pump=False) as server, RemotePeople(server.url) as afar:
            people = afar if remote else sandbox.people
            portfolio = people.create_portfolio("Acme", "2026-09-10", copywriter=None)
            other = people.create_portfolio("Other", cadence="Weekly", copywriter=None)
            ticket = people.create_ticket("Ad", "Set A")
            people.associate("ticket", ticket, "portfolio", portfolio, label="Primary")
            people.note("portfolio", portfolio, "<p>Blue</p>", at=NOW - timedelta(hours=1))
            people.note("portfolio", portfolio, "<p>Red</p>", by=people.owner("account_manager"))
            task = people.create_task("Mine", [("ticket", ticket)], owner=people.owner("copywriter"))
            people.complete_task(task)
            gone = people.create_task("Gone", [("ticket", ticket)])
            people.delete_task(gone)
            people.move_ticket(ticket, "Pending Approval")
            people.request_revisions(ticket, "Copy Revisions Only")
            people.deactivate_owner(people.owner("copywriter"))
            people.advance(days=1)
            people.set_status(portfolio, "Deliverables Submitted", by="workflow")
            people.merge("portfolio", portfolio, other)
            seen = people.portfolio(portfolio)
            assert seen["copywriter"] == ""
            assert people.now() == NOW + timedelta(days=1)
            assert [note.body for note in people.notes("portfolio", portfolio)] == ["<p>Red</p>", "<p>Blue</p>"]
            assert [(one.subject, one.open) for one in people.tasks("ticket", ticket)] == [("Mine", False)]
            assert people.task(gone).archived
            assert (
                people.history("portfolio", portfolio, "creative_refresh_status")[0].source_type
                == "AUTOMATION_PLATFORM"
            )
            dumps.append((sandbox.portal.dump(), seen, people.tickets(portfolio), people.task(task)))
    assert dumps[0] == dumps[1]


def test_remote_refusals_say_why(server: SandboxServer) -> None:
    with RemotePeople(server.url) as people:
        with pytest.raises(ValueError, match="ticket 5"):
            people.ticket("5")
        with pytest.raises(ValueError, match="allowed options"):
            people.create_portfolio(status="Nonsense")


def test_the_control_api(sandbox: Sandbox, control: Client) -> None:
    assert control.ok("GET", "/health")["result"]["ok"] is True
    assert control.ok("POST", "/clock", {"advance": 60})["result"]["now"] == "2026-09-01T14:01:00+00:00"
    assert control.ok("POST", "/clock", {"set": "2026-09-02T00:00:00+00:00"})["result"]["ticking"] is False
    control.ok("POST", "/clock", {"set": "2026-09-01T00:00:00+00:00"}, 400)
    control.ok("POST", "/clock", {"ticking": True})
    assert control.ok("GET", "/clock")["result"]["ticking"] is True
    control.ok("POST", "/clock", {"ticking": False})
    control.ok("POST", "/faults", [{"kind": "503", "times": 3}])
    assert control.ok("GET", "/faults")["result"][0]["kind"] == "503"
    control.ok("DELETE", "/faults")
    assert sandbox.faults.active() == []
    control.ok("POST", "/faults", {"kind": "earthquake"}, 400)
    control.ok("POST", "/delivery", {"doubled": 0.5, "latency": [1, 2]})
    assert list(sandbox.delivery.mode.latency) == [1, 2]
    control.ok("POST", "/delivery", {"tripled": 1}, 400)
    control.ok("POST", "/delivery/target", {"url": "http://127.0.0.1:1/hook"})
    control.ok("POST", "/delivery/subscribe", {"types": ["ticket"]})
    assert control.ok("POST", "/people/create_ticket", {}, 400)["error"] == "people cannot create_ticket"
    control.ok("POST", "/people/set", {"kind": "ticket", "record": "1", "properties": {}}, 404)
    control.ok("POST", "/people/create", {"kind": "ticket"}, 400)
    body = {"kind": "ticket", "properties": {"hs_pipeline_stage": "1"}, "associations": []}
    ticket = control.ok("POST", "/people/create", body)["result"]
    assert control.ok("GET", "/delivery")["result"]["waiting"] > 0
    assert control.ok("GET", "/dump")["result"]["records"]["ticket"][0]["id"] == int(ticket)
    assert control.ok("GET", "/log/counts")["result"]["total"] == 0
    assert control.ok("GET", "/log?since=0")["result"] == {"mark": 0, "calls": []}
    made = control.ok("POST", "/populate", {"count": 11, "seed": 3})["result"]
    assert len(made["approved"]) == 1
    control.ok("POST", "/app", {"token": "pat-2"})
    assert sandbox.token == "pat-2"
    control.ok("POST", "/single-send", {"enabled": False})
    control.ok("GET", "/nothing", status=404)


def test_mail_is_shown(sandbox: Sandbox, control: Client) -> None:
    assert control.ok("GET", "/mail")["result"] == {"single_send": [], "smtp": []}
    with SmtpSink() as sink:
        sandbox.mail = sink
        assert control.ok("GET", "/mail")["result"]["smtp"] == []


class _Hook(BaseHTTPRequestHandler):
    got: list[tuple[str, bytes]]
    arrived: threading.Event

    def do_POST(self) -> None:  # the base class's name
        self.got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.arrived.set()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        pass


def test_webhooks_come_over_http_by_themselves(sandbox: Sandbox) -> None:
    _Hook.got, _Hook.arrived = [], threading.Event()
    hook = HTTPServer(("127.0.0.1", 0), _Hook)
    thread = threading.Thread(target=hook.serve_forever, args=(0.01,))
    thread.start()
    try:
        sandbox.delivery.subscribe("creation", "ticket")
        sandbox.delivery.target = "https://public.example/webhooks/hubspot?a=b"
        sandbox.delivery.sender = HttpSender(f"http://127.0.0.1:{hook.server_address[1]}/")
        with SandboxServer(sandbox):
            sandbox.people.create_ticket()
            assert _Hook.arrived.wait(10)
    finally:
        hook.shutdown()
        hook.server_close()
        thread.join()
    assert _Hook.got[0][0] == "/webhooks/hubspot?a=b"
    assert sandbox.delivery.waiting == 0


def test_stopping_ends_what_hangs(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("hang"))
    server = SandboxServer(sandbox, pump=False).start()
    failed = threading.Event()

    def call() -> None:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {sandbox.token}"
            try:
                session.get(f"{server.url}/crm/owners/2026-09", timeout=30)
            except requests.ConnectionError:
                failed.set()

    thread = threading.Thread(target=call)
    thread.start()
    while not sandbox.log.total:
        thread.join(0.01)
    server.stop()
    thread.join(10)
    assert failed.is_set()


def test_a_server_can_be_started_again(sandbox: Sandbox) -> None:
    server = SandboxServer(sandbox)
    for _ in range(2):
        with server, requests.Session() as session:
            assert session.get(f"{server.url}/_sandbox/health").status_code == 200


def test_people_of_an_empty_portal_come_to_know_the_process_that_is_built_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `handoffs sandbox --empty` serves it: `handoffs setup --sample` builds, then people work in it."""
    monkeypatch.chdir(tmp_path)
    sandbox = Sandbox(empty=True, ticking=True)
    with SandboxServer(sandbox, pump=False) as server:
        with RemotePeople(server.url) as people, pytest.raises(ValueError, match="the portal is empty"):
            people.create_portfolio("Too early")
        settings = {
            "HUBSPOT_ACCESS_TOKEN": sandbox.token,
            "HUBSPOT_BASE_URL": server.url,
            "DATABASE_URL": "sqlite:///handoffs.db",
        }
        built = CliRunner(env=settings).invoke(main, ["setup", "--sample", "--apply", "--yes"])
        assert built.exit_code == 0, built.output
        with RemotePeople(server.url) as people:
            portfolio = people.create_portfolio("Acme", "2026-12-01", status="Deliverables Submitted")
            ticket = people.create_ticket("Banner", "Spring", portfolio, stage="In Progress")
            assert people.portfolio(portfolio)["account_manager"] == people.owner("account_manager")
            assert people.ticket(ticket).associations["portfolio"] == (portfolio,)
    assert {one.type for one in sandbox.delivery.subscriptions} >= {sandbox.process.names.object_type_id}
