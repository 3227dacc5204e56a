"""What the admin is told by email: each kind once an hour at most, each standing trouble once, nothing that is well."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from sync.sandbox.faults import Fault
from sync.sandbox.people import SeenEmail
from sync.service.worker import SWEEP_FAILS_FOR, Worker
from sync.storage.work_queue import BACKOFF
from tests.conftest import MakeWorld
from tests.terminal import Terminal
from tests.world import World

ADMIN = "admin@agency.example"
NEVER = {"name": "r", "type": "task", "property": "hs_task_subject", "pattern": "never", "message": "Not so, please."}


class Office:
    """A world with a worker in it and an admin who reads email."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.worker = Worker(world.service)

    def turn(self, **later: float) -> None:
        """Some time passes, and the worker has a turn."""
        self.world.clock.advance(timedelta(**later))
        self.world.people.flush_search()
        self.worker._step()

    def restart(self) -> None:
        self.world.restart()
        self.worker = Worker(self.world.service)

    @property
    def mails(self) -> list[SeenEmail]:
        return [mail for mail in self.world.people.emails() if mail.to == ADMIN]

    @property
    def told(self) -> list[str]:
        """The subjects, in order."""
        return [str(mail.properties["subject"]).removeprefix("Creative Refresh handoffs: ") for mail in self.mails]

    @property
    def last(self) -> str:
        return str(self.mails[-1].properties["body"])


@pytest.fixture
def office(make_world: MakeWorld) -> Office:
    return Office(make_world(webhooks=False, admin_email=ADMIN, poll_seconds=5))


def _nobody(office: Office, name: str) -> str:
    """A portfolio whose kickoff waits for an Account Manager: its task and its email."""
    return office.world.people.create_portfolio(name, office.world.day(10), account_manager=None)


def test_a_quiet_week_is_no_news(office: Office) -> None:
    office.world.people.create_portfolio("Acme", office.world.day(10))
    for _ in range(7):
        office.turn(days=1)
    assert len(office.world.tasks()) == 1
    assert office.told == []


# -- what stands until it is mended


def test_what_is_blocked_is_told_once_however_long_it_lasts(office: Office) -> None:
    portfolio = _nobody(office, "Acme")
    office.turn()
    assert office.told == ["work waits for a person"]
    assert f"- task kickoff, handoff 1, portfolio {portfolio} “Acme”: no Account Manager is named" in office.last
    assert f"- email kickoff, handoff 1, portfolio {portfolio}" in office.last
    for _ in range(5):
        office.turn(hours=12)
    assert len(office.told) == 1


def test_what_comes_within_the_hour_is_told_in_the_next(office: Office) -> None:
    _nobody(office, "Acme")
    office.turn()
    _nobody(office, "Bolt")
    office.turn(minutes=5)
    assert len(office.told) == 1, "one email a kind and hour"
    office.turn(minutes=60)
    assert len(office.told) == 2
    assert "Bolt" in office.last
    assert "Acme" not in office.last


def test_what_was_mended_and_comes_again_is_told_again(office: Office) -> None:
    people = office.world.people
    portfolio = people.create_portfolio("Acme", office.world.day(40))
    office.turn()
    for n in (1, 2):
        people.set("portfolio", portfolio, {"account_manager": ""})
        people.set_refresh_date(portfolio, office.world.day(10))
        office.turn(hours=2)
        assert len(office.told) == n
        people.set_refresh_date(portfolio, office.world.day(40))
        office.turn(hours=2)


def test_a_hundred_things_are_one_email_that_names_twenty(office: Office) -> None:
    for n in range(50):
        _nobody(office, f"Client {n}")
    office.turn()
    assert len(office.told) == 1
    assert office.last.count("\n- ") == 21
    assert "- and 80 more" in office.last


def test_status_shows_what_was_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(office.world, monkeypatch)
    _nobody(office, "Acme")
    office.turn()
    told = terminal.json("status")
    assert [one["kind"] for one in told["told"]] == ["blocked"]
    assert {(one["kind"], one["count"]) for one in told["errors"]} == {("blocked email", 1), ("blocked task", 1)}
    assert "Alerts   within a day: blocked\n" in terminal.run("status").stdout
    office.turn(days=1, hours=1)
    assert terminal.json("status")["told"] == []


def test_what_the_crm_refuses(office: Office) -> None:
    office.world.people.set_rules(NEVER)
    portfolio = office.world.people.create_portfolio("Acme", office.world.day(10))
    office.turn()
    assert office.told == ["work was refused"]
    assert f"- task kickoff, handoff 1, portfolio {portfolio} “Acme”: " in office.last
    assert "Not so, please." in office.last


def test_what_is_parked_is_told_together(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    office.turn()
    broken = {office.world.people.create_portfolio(name, office.world.day(10)) for name in ("Acme", "Bolt")}

    def decide(_case: Any) -> Any:
        raise ValueError("the date is no date")

    monkeypatch.setattr("sync.passes.decider.decide", decide)
    for pause in (timedelta(0), *BACKOFF):
        assert office.told == []
        office.turn(seconds=pause.total_seconds() + 10)
    office.turn(hours=1)
    assert office.told == ["records were parked"]
    assert {
        record for record in broken if f"- portfolio {record}: ValueError: the date is no date" in office.last
    } == broken


def test_a_sweep_by_hand_tells_too(office: Office) -> None:
    _nobody(office, "Acme")
    office.world.sweep()
    assert office.told == ["work waits for a person"]


def test_an_email_that_could_not_be_sent_is_sent_in_the_next_hour(office: Office) -> None:
    office.world.sandbox.faults.add(Fault("500", endpoint="POST */single-email/send"))
    _nobody(office, "Acme")
    office.turn()
    assert office.told == []
    office.world.sandbox.faults.clear()
    office.turn(minutes=20)
    assert office.told == []
    office.turn(minutes=60)
    assert office.told == ["work waits for a person"]


# -- the sweep


def _fail_searches(office: Office, **more: Any) -> None:
    office.world.sandbox.faults.add(Fault("503", endpoint="POST *_portfolios/search", **more))


def test_a_sweep_that_fails_for_a_while(office: Office) -> None:
    _fail_searches(office)
    due = office.world.people.create_portfolio("Acme", office.world.day(0))
    fails = "the daily sweep fails"
    office.turn()
    office.turn(minutes=2)
    assert fails not in office.told, "a CRM that is down for a moment is no news"
    office.turn(minutes=SWEEP_FAILS_FOR / timedelta(minutes=1))
    assert office.told.count(fails) == 1
    assert "503" in office.last
    office.turn(minutes=5)
    assert office.told.count(fails) == 1
    office.world.sandbox.faults.clear()
    office.turn(minutes=1)
    assert office.world.kinds(("portfolio", due)) == ["kickoff", "create_tickets"], "what is late is done"
    office.turn(days=1)
    assert office.told.count(fails) == 1


def test_a_sweep_that_did_not_run(office: Office) -> None:
    office.turn()
    last = office.world.clock.now()
    office.turn(hours=25)
    office.restart()
    office.turn(hours=49)
    assert office.told == ["the daily sweep did not run"]
    assert f"{last + timedelta(hours=25):%Y-%m-%d}" in office.last
    assert "49 hours ago" in office.last
    office.turn(hours=24)
    assert len(office.told) == 1


def test_a_first_start_has_missed_nothing(office: Office) -> None:
    office.turn()
    assert office.told == []


# -- the metrics of it


def _scraped(office: Office) -> Mapping[str, float]:
    text = office.world.app.test_client().get("/metrics").get_data(as_text=True)
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_each_has_a_metric_for_a_monitor(office: Office) -> None:
    office.worker = Worker(office.world.service)
    _nobody(office, "Acme")
    office.world.people.create_portfolio("Bolt", office.world.day(14))
    office.turn()
    found = _scraped(office)
    assert found['handoffs_effects{state="blocked"}'] == 2
    assert found['handoffs_alerts_total{kind="blocked"}'] == 1
    assert found['handoffs_refused{kind="token_refused"}'] == 0
    assert found["handoffs_sweep_overdue_seconds"] == 0
    assert found['handoffs_stuck{party="account_manager"}'] == 0
    office.world.sandbox.portal.app.token = "another"
    office.turn(days=1)
    office.turn(days=7)
    found = _scraped(office)
    assert found['handoffs_refused{kind="token_refused"}'] == 1
    assert found["handoffs_sweep_overdue_seconds"] == pytest.approx(
        timedelta(days=8, hours=-26).total_seconds(), abs=60
    )
    assert found['handoffs_stuck{party="account_manager"}'] == 0, "nobody looked at it after its kickoff"
