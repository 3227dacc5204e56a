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


class AlertedWorld:
    """A world with a worker in it and an admin who reads email."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.worker = Worker(world.service)

    def turn(self, **later: float) -> None:
        """Some time passes, and the worker has a turn."""
        self.world.clock.advance(timedelta(**later))
        self.world.people.flush_search()
        self.worker.turn()

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
def alerted(make_world: MakeWorld) -> AlertedWorld:
    return AlertedWorld(make_world(webhooks=False, admin_email=ADMIN, poll_seconds=5))


def _nobody(alerted: AlertedWorld, name: str) -> str:
    """A portfolio whose kickoff waits for an Account Manager: its task and its email."""
    return alerted.world.people.create_portfolio(name, alerted.world.day(10), account_manager=None)


def test_a_quiet_week_is_no_news(alerted: AlertedWorld) -> None:
    alerted.world.people.create_portfolio("Acme", alerted.world.day(10))
    for _ in range(7):
        alerted.turn(days=1)
    assert len(alerted.world.tasks()) == 1
    assert alerted.told == []


# -- what stands until it is mended


def test_what_is_blocked_is_told_once_however_long_it_lasts(alerted: AlertedWorld) -> None:
    portfolio = _nobody(alerted, "Acme")
    alerted.turn()
    assert alerted.told == ["work waits for a person"]
    assert f"- task kickoff, handoff 1, portfolio {portfolio} “Acme”: no Account Manager is named" in alerted.last
    assert f"- email kickoff, handoff 1, portfolio {portfolio}" in alerted.last
    for _ in range(5):
        alerted.turn(hours=12)
    assert len(alerted.told) == 1


def test_what_comes_within_the_hour_is_told_in_the_next(alerted: AlertedWorld) -> None:
    _nobody(alerted, "Acme")
    alerted.turn()
    _nobody(alerted, "Bolt")
    alerted.turn(minutes=5)
    assert len(alerted.told) == 1, "one email a kind and hour"
    alerted.turn(minutes=60)
    assert len(alerted.told) == 2
    assert "Bolt" in alerted.last
    assert "Acme" not in alerted.last


def test_what_was_mended_and_comes_again_is_told_again(alerted: AlertedWorld) -> None:
    people = alerted.world.people
    portfolio = people.create_portfolio("Acme", alerted.world.day(40))
    alerted.turn()
    for n in (1, 2):
        people.set("portfolio", portfolio, {"account_manager": ""})
        people.set_refresh_date(portfolio, alerted.world.day(10))
        alerted.turn(hours=2)
        assert len(alerted.told) == n
        people.set_refresh_date(portfolio, alerted.world.day(40))
        alerted.turn(hours=2)


def test_a_hundred_things_are_one_email_that_names_twenty(alerted: AlertedWorld) -> None:
    for n in range(50):
        _nobody(alerted, f"Client {n}")
    alerted.turn()
    assert len(alerted.told) == 1
    assert alerted.last.count("\n- ") == 21
    assert "- and 80 more" in alerted.last


def test_status_shows_what_was_told(alerted: AlertedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal(alerted.world, monkeypatch)
    _nobody(alerted, "Acme")
    alerted.turn()
    told = terminal.json("status")
    assert [one["kind"] for one in told["told"]] == ["blocked"]
    assert {(one["kind"], one["count"]) for one in told["errors"]} == {("blocked email", 1), ("blocked task", 1)}
    assert "Alerts   within a day: blocked\n" in terminal.run("status").stdout
    alerted.turn(days=1, hours=1)
    assert terminal.json("status")["told"] == []


def test_what_the_crm_refuses(alerted: AlertedWorld) -> None:
    alerted.world.people.set_rules(NEVER)
    portfolio = alerted.world.people.create_portfolio("Acme", alerted.world.day(10))
    alerted.turn()
    assert alerted.told == ["work was refused"]
    assert f"- task kickoff, handoff 1, portfolio {portfolio} “Acme”: " in alerted.last
    assert "Not so, please." in alerted.last


def test_what_comes_incomplete_is_told_once_it_has_lasted_ten_minutes(alerted: AlertedWorld) -> None:
    """docs/process.md R.9: what lacks something for a moment is no news."""
    portfolio = alerted.world.people.create_portfolio("Acme", alerted.world.day(10))
    lacks = Fault("no-property", "POST *_portfolios/batch/read", record=portfolio, name="account_manager", share=1.0)
    alerted.world.sandbox.faults.add(lacks)
    alerted.turn()
    alerted.turn(minutes=9)
    assert alerted.told == []
    alerted.turn(minutes=2)
    assert alerted.told == ["records come incomplete"]
    assert f"- portfolio {portfolio}: the CRM's answer lacks the property “account_manager”" in alerted.last
    for _ in range(3):
        alerted.turn(hours=2)
    assert len(alerted.told) == 1
    alerted.world.sandbox.faults.clear()
    alerted.turn(hours=2)
    assert (alerted.world.kinds(), len(alerted.told)) == (["kickoff"], 1)
    alerted.world.sandbox.faults.add(lacks)
    alerted.world.people.set_refresh_date(portfolio, alerted.world.day(12))
    alerted.turn(minutes=1)
    alerted.turn(minutes=11)
    assert alerted.told == ["records come incomplete"] * 2


def test_a_ticket_that_comes_incomplete_is_told_with_what_waits_for_it(alerted: AlertedWorld) -> None:
    portfolio = alerted.world.people.create_portfolio("Acme", alerted.world.day(40))
    ticket = alerted.world.people.create_ticket("Ad 1", "Spring", portfolio)
    alerted.world.sandbox.faults.add(
        Fault("no-property", "POST */tickets/batch/read", record=ticket, name="needs_revisions", share=1.0)
    )
    alerted.turn()
    alerted.turn(minutes=11)
    assert f"- ticket {ticket}: " in alerted.last
    assert f" (portfolio {portfolio} waits for it)" in alerted.last


def test_what_is_parked_is_told_together(alerted: AlertedWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    alerted.turn()
    broken = {alerted.world.people.create_portfolio(name, alerted.world.day(10)) for name in ("Acme", "Bolt")}

    def decide(_case: Any) -> Any:
        raise ValueError("the date is no date")

    monkeypatch.setattr("sync.passes.decider.decide", decide)
    for pause in (timedelta(0), *BACKOFF):
        assert alerted.told == []
        alerted.turn(seconds=pause.total_seconds() + 10)
    alerted.turn(hours=1)
    assert alerted.told == ["records were parked"]
    assert {
        record for record in broken if f"- portfolio {record}: ValueError: the date is no date" in alerted.last
    } == broken


def test_a_sweep_by_hand_tells_too(alerted: AlertedWorld) -> None:
    _nobody(alerted, "Acme")
    alerted.world.sweep()
    assert alerted.told == ["work waits for a person"]


def test_an_email_that_could_not_be_sent_is_sent_in_the_next_hour(alerted: AlertedWorld) -> None:
    alerted.world.sandbox.faults.add(Fault("500", endpoint="POST */single-email/send"))
    _nobody(alerted, "Acme")
    alerted.turn()
    assert alerted.told == []
    alerted.world.sandbox.faults.clear()
    alerted.turn(minutes=20)
    assert alerted.told == []
    alerted.turn(minutes=60)
    assert alerted.told == ["work waits for a person"]


# -- the sweep


def _fail_searches(alerted: AlertedWorld, **more: Any) -> None:
    alerted.world.sandbox.faults.add(Fault("503", endpoint="POST *_portfolios/search", **more))


def test_a_sweep_that_fails_for_a_while(alerted: AlertedWorld) -> None:
    _fail_searches(alerted)
    due = alerted.world.people.create_portfolio("Acme", alerted.world.day(0))
    fails = "the daily sweep fails"
    alerted.turn()
    alerted.turn(minutes=2)
    assert fails not in alerted.told, "a CRM that is down for a moment is no news"
    alerted.turn(minutes=SWEEP_FAILS_FOR / timedelta(minutes=1))
    assert alerted.told.count(fails) == 1
    assert "503" in alerted.last
    alerted.turn(minutes=5)
    assert alerted.told.count(fails) == 1
    alerted.world.sandbox.faults.clear()
    alerted.turn(minutes=1)
    assert alerted.world.kinds(("portfolio", due)) == ["kickoff", "create_tickets"], "what is late is done"
    alerted.turn(days=1)
    assert alerted.told.count(fails) == 1


def test_a_sweep_that_did_not_run(alerted: AlertedWorld) -> None:
    alerted.turn()
    last = alerted.world.clock.now()
    alerted.turn(hours=25)
    alerted.restart()
    alerted.turn(hours=49)
    assert alerted.told == ["the daily sweep did not run"]
    assert f"{last + timedelta(hours=25):%Y-%m-%d}" in alerted.last
    assert "49 hours ago" in alerted.last
    alerted.turn(hours=24)
    assert len(alerted.told) == 1


def test_a_first_start_has_missed_nothing(alerted: AlertedWorld) -> None:
    alerted.turn()
    assert alerted.told == []


# -- the metrics of it


def _scraped(alerted: AlertedWorld) -> Mapping[str, float]:
    text = alerted.world.app.test_client().get("/metrics").get_data(as_text=True)
    pairs = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in pairs}


def test_each_has_a_metric_for_a_monitor(alerted: AlertedWorld) -> None:
    alerted.worker = Worker(alerted.world.service)
    _nobody(alerted, "Acme")
    alerted.world.people.create_portfolio("Bolt", alerted.world.day(14))
    alerted.turn()
    found = _scraped(alerted)
    assert found['handoffs_effects{state="blocked"}'] == 2
    assert found['handoffs_alerts_total{kind="blocked"}'] == 1
    assert found['handoffs_refused{kind="token_refused"}'] == 0
    assert found["handoffs_sweep_overdue_seconds"] == 0
    assert found['handoffs_stuck{party="account_manager"}'] == 0
    alerted.world.sandbox.portal.app.token = "another"
    alerted.turn(days=1)
    alerted.turn(days=7)
    found = _scraped(alerted)
    assert found['handoffs_refused{kind="token_refused"}'] == 1
    assert found["handoffs_sweep_overdue_seconds"] == pytest.approx(
        timedelta(days=8, hours=-26).total_seconds(), abs=60
    )
    assert found['handoffs_stuck{party="account_manager"}'] == 1, "Bolt's, since its kickoff"
