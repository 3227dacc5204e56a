"""An email is sent, refused later, or nobody can tell: nothing counts as sent that is not, and nothing is sent for ever."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from sync.passes import conversations
from sync.passes.effects import resolve
from sync.passes.email import TRIES
from sync.sandbox.faults import Fault
from sync.sandbox.mail import MailFault, SmtpSink
from sync.sandbox.quirks import Quirks
from sync.storage.tables import effects, occurrences
from tests.conftest import MakeWorld
from tests.patience import PATIENCE
from tests.terminal import Terminal
from tests.world import World

SENDER = "Handoffs <handoffs@agency.example>"
BOUNCED = Quirks(single_send_end="PREVIOUSLY_BOUNCED", single_send_seconds=300)


class Crash(BaseException):
    pass


@pytest.fixture
def sink(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmtpSink]:
    """A mail server, and senders that wait for it however busy this machine is."""
    monkeypatch.setattr(conversations, "PATIENCE", PATIENCE)
    monkeypatch.setattr(conversations, "IMPATIENCE", PATIENCE)
    with SmtpSink() as running:
        yield running


@pytest.fixture
def slow(sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> SmtpSink:
    """One that is to answer late, and senders that do not wait long for it."""
    monkeypatch.setattr(conversations, "PATIENCE", 0.3)
    monkeypatch.setattr(conversations, "IMPATIENCE", 0.3)
    return sink


def kickoff(world: World, name: str = "Acme") -> tuple[str, str]:
    """A portfolio whose kickoff is due, after a first look; and the key of its email."""
    portfolio = world.people.create_portfolio(name, world.day(10))
    world.work()
    return portfolio, f"1:{portfolio}:start:0/email:kickoff"


def pass_time(world: World) -> None:
    for _ in range(20):
        world.minutes(1)


def standing(world: World, key: str) -> tuple[str, str]:
    """The effect's state, and its reason."""
    with world.service.store.read() as connection:
        row = connection.execute(select(effects.c.state, effects.c.reason).where(effects.c.key == key)).one()
    return row.state, row.reason or ""


def state(world: World, key: str) -> str:
    return standing(world, key)[0]


def asked(world: World) -> int:
    return sum(count for name, count in world.sandbox.log.counts().items() if "/send-statuses/" in name)


class TestSingleSend:
    """docs/process.md W.12: what HubSpot has taken is not sent yet."""

    def test_pending_is_not_sent(self, make_world: MakeWorld) -> None:
        world = make_world(quirks=Quirks(single_send_seconds=300))
        portfolio, key = kickoff(world)
        assert state(world, key) == "sending"
        with world.service.store.read() as connection:
            of_it = select(occurrences.c.state).where(occurrences.c.portfolio == portfolio)
            assert connection.scalars(of_it).all() == ["open"]
        world.minutes(7)
        assert state(world, key) == "done"
        with world.service.store.read() as connection:
            assert connection.scalars(of_it).all() == ["done"]
        assert len(world.emails()) == 1

    def test_a_refusal_that_comes_later_is_shown_and_tried_again(
        self, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = make_world(quirks=BOUNCED)
        portfolio, key = kickoff(world)
        terminal = Terminal(world, monkeypatch)
        assert terminal.json("status")["sending"] == 1
        world.minutes(7)
        failed, reason = standing(world, key)
        assert failed == "failed"
        assert "PREVIOUSLY_BOUNCED" in reason
        assert "@agency.example" in reason
        assert "failed" in terminal.run("explain", portfolio).stdout
        for command in (["status"], ["dead"], ["explain", portfolio]):
            assert "PREVIOUSLY_BOUNCED" in " ".join(terminal.run(*command).stdout.split()), command
        assert "PREVIOUSLY_BOUNCED" in json.dumps(terminal.json("verify", portfolio))
        world.sandbox.portal.quirks = Quirks()  # the address is mended
        world.next_day()
        assert state(world, key) == "done"
        assert world.receivers() == ["account_manager"]

    def test_it_is_asked_ever_more_seldom_and_not_for_ever(
        self, make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = make_world(quirks=Quirks(single_send_seconds=10 * 24 * 3600), poll_seconds=365 * 24 * 3600)
        _, key = kickoff(world)
        for _ in range(26 * 12):
            world.minutes(5)
        assert standing(world, key)[0] == "unproven"
        assert "PENDING" in standing(world, key)[1]
        assert 20 <= asked(world) <= 60
        before = asked(world)
        world.next_day(3)
        assert asked(world) == before
        assert len(world.emails()) == 1
        terminal = Terminal(world, monkeypatch)
        assert terminal.run("status").exit_code == 1
        assert terminal.run("dead", "confirm", key, "--reason", "she has it").exit_code == 0
        assert state(world, key) == "done"
        assert terminal.run("status").exit_code == 0

    def test_where_nothing_is_told_it_counts_as_sent_in_the_end(self, make_world: MakeWorld) -> None:
        world = make_world(quirks=Quirks(single_send_status="missing"))
        _, key = kickoff(world)
        assert state(world, key) == "sending"
        for _ in range(10):
            world.minutes(10)
        assert state(world, key) == "done"
        assert "does not tell" in standing(world, key)[1]
        assert len(world.emails()) == 1

    def test_while_nobody_answers_the_rest_goes_on(self, make_world: MakeWorld) -> None:
        world = make_world()
        world.sandbox.faults.add(Fault("503", "GET */send-statuses/*"))
        _, key = kickoff(world)
        assert state(world, key) == "sending"
        other = world.people.create_portfolio("Bolt", world.day(5))
        world.work()
        assert world.kinds(("portfolio", other)) == ["kickoff"]
        world.sandbox.faults.clear()
        world.minutes(60)
        assert state(world, key) == "done"
        assert len(world.emails()) == 2

    @pytest.mark.parametrize("repeat", ["ok", "error"])
    @pytest.mark.parametrize("step", ["sent", "settled", "email told"])
    def test_a_crash_between(self, make_world: MakeWorld, step: str, repeat: str) -> None:
        """One email, and its refusal is found out, unless nothing but the repeat's refusal is known of it."""
        quirks = replace(BOUNCED, single_send_repeat=repeat, single_send_end="SENT")  # type: ignore[arg-type]  # of two
        world = make_world(quirks=quirks)
        steps: list[str] = []

        def crash(reached: str) -> None:
            steps.append(reached)
            if (
                reached == step
                and (step != "sent" or steps.count("mailing"))
                and steps.count(step) > (step == "settled")
            ):
                world.failpoint = steps.append
                raise Crash

        world.failpoint = crash
        world.people.create_portfolio("Acme", world.day(10))
        with pytest.raises(Crash):
            pass_time(world)
        world.restart()
        pass_time(world)
        (key,) = _emails(world)
        assert state(world, key) == "done"
        assert len(world.emails()) == 1
        assert world.kinds() == ["kickoff"]


def _emails(world: World) -> list[str]:
    with world.service.store.read() as connection:
        return list(connection.scalars(select(effects.c.key).where(effects.c.kind == "email")))


class TestSmtp:
    def test_an_answer_that_comes_late_is_waited_for(self, make_world: MakeWorld, slow: SmtpSink) -> None:
        """Delivered, and answered when nobody waits any more: one mail, ever."""
        slow.fail(MailFault("end", 250, times=None, delay=1.5))
        world = make_world(email_url=slow.url, email_from=SENDER)
        _, key = kickoff(world)
        assert state(world, key) == "unknown"
        time.sleep(2)
        world.minutes(1)
        assert state(world, key) == "done"
        world.next_day(2)
        assert len(slow.mails) == 1

    def test_a_command_waits_at_its_end(self, make_world: MakeWorld, slow: SmtpSink) -> None:
        """What the server says later nobody would hear."""
        slow.fail(MailFault("end", 250, delay=1.5))
        world = make_world(email_url=slow.url, email_from=SENDER)
        portfolio = world.people.create_portfolio("Acme", world.day(10))
        world.sweep()
        assert state(world, f"1:{portfolio}:start:0/email:kickoff") == "done"
        assert len(slow.mails) == 1

    def test_a_late_refusal_is_one(self, make_world: MakeWorld, slow: SmtpSink) -> None:
        slow.fail(MailFault("end", 554, delay=1.0))
        world = make_world(email_url=slow.url, email_from=SENDER)
        _, key = kickoff(world)
        time.sleep(1.5)
        world.minutes(1)
        assert standing(world, key)[0] == "failed"
        assert "554" in standing(world, key)[1]
        world.next_day()
        assert len(slow.mails) == 1
        assert state(world, key) == "done"

    def test_none_is_sent_again_while_the_answer_may_come(self, make_world: MakeWorld, slow: SmtpSink) -> None:
        """Nor by another process: what it knows of the conversation is its own."""
        slow.fail(MailFault("end", 250, times=None, delay=60))
        world = make_world(email_url=slow.url, email_from=SENDER)
        _, key = kickoff(world)
        world.restart()
        for _ in range(5):
            world.minutes(2)
        assert (state(world, key), len(slow.mails)) == ("unknown", 1)
        world.minutes(3)
        assert len(slow.mails) == 2

    def test_what_is_never_answered_is_not_sent_for_ever(
        self, make_world: MakeWorld, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """docs/process.md W.13: the connection breaks after each message, which was delivered: a person has to say so."""
        sink.fail(MailFault("end", times=None))
        world = make_world(email_url=sink.url, email_from=SENDER)
        portfolio, key = kickoff(world)
        world.next_day()
        for _ in range(48):
            world.minutes(60)
        assert len(sink.mails) == TRIES
        assert standing(world, key)[0] == "unproven"
        terminal = Terminal(world, monkeypatch)
        found = terminal.json("status")
        assert (found["ok"], found["unproven"]) == (False, 1)
        listed = terminal.run("dead")
        assert listed.exit_code == 1
        assert f"  {key}\n" in listed.stdout
        assert "dead confirm" in listed.stdout
        assert "not sent again unless you name its key" in terminal.run("dead", "retry", portfolio).stderr
        assert len(sink.mails) == TRIES
        sink.clear()
        assert terminal.run("dead", "retry", key).exit_code == 0
        assert (state(world, key), len(sink.mails)) == ("done", 1)

    def test_a_decline_ends_it(self, make_world: MakeWorld, sink: SmtpSink) -> None:
        """docs/process.md 2a.8 and W.14: nothing more for that cycle, whatever became of the email."""
        sink.fail(MailFault("end", times=2))
        world = make_world(email_url=sink.url, email_from=SENDER)
        portfolio, key = kickoff(world)
        world.minutes(3)
        world.people.set("portfolio", portfolio, {"creative_refresh_status": "No Refresh Requested"})
        for _ in range(10):
            world.minutes(10)
        assert state(world, key) == "overtaken"
        assert len(sink.mails) == 2

    def test_a_server_that_hangs_keeps_nobody_waiting(self, make_world: MakeWorld, slow: SmtpSink) -> None:
        """Twenty emails: some wait for an answer, the others for their turn; every task is made at once."""
        slow.fail(MailFault("end", 250, times=None, delay=60))
        world = make_world(email_url=slow.url, email_from=SENDER)
        portfolios = [world.people.create_portfolio(f"P {n}", world.day(10)) for n in range(20)]
        began = time.monotonic()
        world.work()
        assert time.monotonic() - began < 20
        assert len(world.kinds()) == len(portfolios)
        assert len(slow.mails) == conversations.MOST_OPEN


def test_an_alert_is_not_sent_for_ever(make_world: MakeWorld, sink: SmtpSink) -> None:
    sink.fail(MailFault("end", times=None))
    world = make_world(email_url=sink.url, email_from=SENDER, admin_email="admin@agency.example")
    world.people.create_portfolio("Acme", world.day(10), account_manager=None)
    for _ in range(10):
        world.minutes(61)
        world.service.alerts.review()
    assert len(sink.mails) == TRIES


def test_a_write_that_is_never_answered_is_shown_as_failed(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of it shows in the CRM, each time: it is tried ever more seldom, and then once a day."""
    monkeypatch.setattr(resolve, "TRIES", 6)
    world.sandbox.faults.add(Fault("504", "POST */tasks/batch/create"))
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    for _ in range(12 * 12):
        world.minutes(5)
    key = f"1:{portfolio}:start:0/task:kickoff"
    assert standing(world, key)[0] == "failed"
    assert f"no answer to {resolve.TRIES} tries" in standing(world, key)[1]
    world.sandbox.faults.clear()
    world.next_day()
    assert state(world, key) == "done"
    assert world.kinds() == ["kickoff"]
