"""The weekly letter: what people get on Monday morning, once, whatever happens to the service (docs/process.md, L)."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from mappings.load import MappingError, load
from sync.failpoints import no_failpoint
from sync.passes import conversations
from sync.passes.effects.letters import CUT_OFF
from sync.passes.email import SmtpMailer
from sync.rules.model import EffectState
from sync.sandbox.faults import Fault
from sync.sandbox.mail import MailFault, SmtpSink
from sync.sandbox.people import SeenEmail
from sync.sandbox.quirks import Quirks
from sync.service.worker import Worker
from sync.storage import letters
from tests.board.browser import visitor
from tests.board.test_acts import acts_of
from tests.conftest import MakeWorld
from tests.terminal import Terminal
from tests.world import World

OPS, HEAD = "ops@agency.example", "head@agency.example"
TO_BOTH = f"letter: {{to: [{OPS}, {HEAD}]}}\n"
MONDAY_8 = datetime(2026, 11, 9, 13, 0, tzinfo=UTC)  # in New York
DAY = timedelta(days=1)


class Killed(BaseException):
    """The process dies."""


class LetterWorld:
    """A world with a worker in it, whose letter goes to two addresses."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.worker = Worker(world.service)

    def turn(self, at: datetime | None = None, **later: float) -> None:
        """It is so late, or later, and the worker has two turns: what the first has told is looked at in the second."""
        if at is not None:
            self.world.clock.set(at)
        self.world.clock.advance(timedelta(**later))
        self.world.people.flush_search()
        for _ in range(2):
            self.worker.turn()

    def restart(self, mapping: str | None = None, *, lose_database: bool = False) -> None:
        self.world.failpoint = no_failpoint
        if mapping is None:
            self.world.restart(lose_database=lose_database)
        else:
            self.world.remap(mapping)
        self.worker = Worker(self.world.service)

    def got(self, address: str) -> list[SeenEmail]:
        return [mail for mail in self.world.people.emails() if mail.to == address]

    @property
    def letters(self) -> dict[str, int]:
        """How many letters each has got."""
        return {address: len(self.got(address)) for address in (OPS, HEAD)}


@pytest.fixture
def begin(make_world: MakeWorld) -> Callable[..., LetterWorld]:
    def make(mapping: str = TO_BOTH, **settings: Any) -> LetterWorld:
        made = LetterWorld(make_world(webhooks=False, mapping=mapping, **settings))
        made.turn()
        return made

    return make


ONCE, TWICE, NONE = {OPS: 1, HEAD: 1}, {OPS: 2, HEAD: 2}, {OPS: 0, HEAD: 0}


def test_it_is_off_unless_somebody_is_named(begin: Callable[..., LetterWorld]) -> None:
    here = begin("rules: {}")
    here.turn(MONDAY_8)
    for _ in range(3):
        here.turn(hours=8)
    assert here.world.people.emails() == ()


def test_it_comes_once_on_monday_morning(begin: Callable[..., LetterWorld]) -> None:
    here = begin()
    here.turn(MONDAY_8 - timedelta(minutes=1))
    assert here.letters == NONE
    here.turn(MONDAY_8)
    assert here.letters == ONCE
    for days in range(1, 7):
        here.turn(MONDAY_8 + days * DAY)
    here.restart()
    here.turn(hours=1)
    assert here.letters == ONCE
    here.turn(MONDAY_8 + 7 * DAY)
    assert here.letters == TWICE


def test_what_it_says(begin: Callable[..., LetterWorld]) -> None:
    here = begin()
    people, world = here.world.people, here.world
    people.create_portfolio("Acme <b>", world.day(9))  # its date comes on Wednesday of the letter's week
    people.create_portfolio("Later", world.day(7 + 15 + 2))  # its kickoff does
    here.turn()
    stuck = people.create_portfolio("Stuck", world.day(3))
    here.turn()
    here.turn(days=3)
    here.turn(MONDAY_8)
    [mail] = here.got(OPS)
    text, html = str(mail.properties["body"]), str(mail.properties["html"])
    assert mail.properties["subject"] == "Creative refreshes, week of Mon 9 Nov 2026: 2 to come, 1 stuck"
    assert "- Wed 11 Nov 2026: Refresh Date of Acme <b>" in text
    assert "- Wed 11 Nov 2026: kickoff of Later" in text
    assert "- Stuck waits for " in text
    assert f"/{stuck}" in text
    assert "Acme &lt;b&gt;</a>" in html
    assert "Acme <b>" not in html
    assert "http" not in html.replace('<a href="https://app', "")  # nothing is fetched from elsewhere


class TestALateStart:
    """docs/process.md L.3, L.5."""

    def test_a_service_that_was_down_on_monday_sends_it_until_friday(self, begin: Callable[..., LetterWorld]) -> None:
        here = begin()
        here.restart()
        here.turn(MONDAY_8 + 4 * DAY)
        assert here.letters == ONCE

    def test_but_not_at_the_weekend(self, begin: Callable[..., LetterWorld]) -> None:
        here = begin()
        here.restart()
        here.turn(MONDAY_8 + 5 * DAY)
        here.turn(MONDAY_8 + 6 * DAY)
        assert here.letters == NONE

    def test_it_waits_for_what_is_due_to_be_looked_at(self, begin: Callable[..., LetterWorld]) -> None:
        here = begin()
        here.world.sandbox.faults.add(Fault("503", "POST */search", times=None))
        here.turn(MONDAY_8)
        here.turn(hours=1)
        assert here.letters == NONE
        here.turn(hours=1, seconds=5)
        assert here.letters == ONCE


class TestWhatIsYoung:
    """docs/process.md L.6."""

    def test_a_service_that_begins_after_monday_morning_begins_with_the_next_week(
        self, begin: Callable[..., LetterWorld]
    ) -> None:
        here = begin()
        here.turn(hours=24)
        assert here.letters == NONE

    def test_a_lost_database_sends_no_second_one(self, begin: Callable[..., LetterWorld]) -> None:
        here = begin()
        here.turn(MONDAY_8)
        here.restart(lose_database=True)
        here.turn(hours=1)
        here.turn(hours=24)
        assert here.letters == ONCE
        here.turn(MONDAY_8 + 7 * DAY)
        assert here.letters == TWICE


class TestAnotherMapping:
    """docs/process.md L.2."""

    @pytest.mark.parametrize("zone", ["Pacific/Auckland", "America/Los_Angeles"])
    def test_another_time_zone_sends_none_twice(self, begin: Callable[..., LetterWorld], zone: str) -> None:
        here = begin()
        here.turn(MONDAY_8)
        here.restart(f"time_zone: {zone}\n{TO_BOTH}")
        for hours in (1, 6, 24):
            here.turn(hours=hours)
        assert here.letters == ONCE

    def test_who_is_named_later_in_the_week_gets_this_weeks(self, begin: Callable[..., LetterWorld]) -> None:
        here = begin(f"letter: {{to: [{OPS}]}}")
        here.turn(MONDAY_8)
        here.restart(TO_BOTH.replace("ops@", "OPS@"))
        here.turn(hours=5)
        assert here.letters == ONCE

    def test_the_time_may_be_another(self, begin: Callable[..., LetterWorld]) -> None:
        here = begin(f"letter: {{to: [{OPS}, {HEAD}], at: '16:30'}}")
        here.turn(MONDAY_8 + timedelta(hours=8))
        assert here.letters == NONE
        here.turn(minutes=30)
        assert here.letters == ONCE

    def test_the_texts_may_be_ones_own(self, begin: Callable[..., LetterWorld]) -> None:
        here = begin(f"letter: {{to: [{OPS}, {HEAD}], subject: 'Monday', html: '<p>{{{{ week | day }}}}</p>'}}")
        here.turn(MONDAY_8)
        [mail] = here.got(OPS)
        assert (mail.properties["subject"], mail.properties["html"]) == ("Monday", "<p>Mon 9 Nov 2026</p>\n")


class TestACrash:
    """docs/process.md L.4."""

    @pytest.mark.parametrize("step", ["letter claiming", "letter claimed", "letter sent"])
    def test_at_any_step_it_comes_once(self, begin: Callable[..., LetterWorld], step: str) -> None:
        here = begin()

        def kill(at: str) -> None:
            if at == step:
                raise Killed

        here.world.failpoint = kill
        with pytest.raises(Killed):
            here.turn(MONDAY_8)
        here.restart()
        here.turn(minutes=1)
        here.turn(seconds=CUT_OFF.total_seconds())
        here.turn(minutes=1)
        assert here.letters == ONCE

    def test_two_workers_send_one(self, begin: Callable[..., LetterWorld]) -> None:
        here = begin()
        other = Worker(here.world.service)
        here.world.clock.set(MONDAY_8)
        here.worker._tick()  # it is written and waits to be sent

        def overtake(at: str) -> None:
            if at == "letter claiming":
                here.world.failpoint = no_failpoint
                other.turn()

        here.world.failpoint = overtake
        here.turn(minutes=1)
        assert here.letters == ONCE
        calls = here.world.sandbox.log.counts()
        assert sum(count for name, count in calls.items() if "single-email/send" in name) == 2


@pytest.fixture
def sink() -> Any:
    with SmtpSink() as made:
        yield made


class TestByAMailServer:
    def begin(self, begin: Callable[..., LetterWorld], sink: SmtpSink) -> LetterWorld:
        return begin(f"letter: {{to: [{OPS}]}}", email_url=sink.url, email_from="Handoffs <handoffs@agency.example>")

    def got(self, sink: SmtpSink) -> list[EmailMessage]:
        return [mail.message for mail in sink.mails if mail.recipients == (OPS,)]

    def test_it_is_a_text_with_a_page_beside_it(self, begin: Callable[..., LetterWorld], sink: SmtpSink) -> None:
        here = self.begin(begin, sink)
        here.turn(MONDAY_8)
        [message] = self.got(sink)
        assert message.get_content_type() == "multipart/alternative"
        assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]

    def test_one_that_is_down_is_tried_again(self, begin: Callable[..., LetterWorld], sink: SmtpSink) -> None:
        here = self.begin(begin, sink)
        sink.fail(MailFault("connect", times=1))
        here.turn(MONDAY_8)
        assert self.got(sink) == []
        here.turn(minutes=3)
        assert len(self.got(sink)) == 1

    def test_one_that_refuses_is_tried_again_each_hour(self, begin: Callable[..., LetterWorld], sink: SmtpSink) -> None:
        here = self.begin(begin, sink)
        sink.fail(MailFault("rcpt", 550, times=2))
        here.turn(MONDAY_8)
        for hours in (0.5, 0.5, 1):
            here.turn(hours=hours, seconds=5)
        assert len(self.got(sink)) == 1

    def test_an_answer_that_comes_late_is_heard(
        self, begin: Callable[..., LetterWorld], sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(conversations, "PATIENCE", 0.1)
        here = self.begin(begin, sink)
        sink.fail(MailFault("end", 250, delay=0.3))
        here.turn(MONDAY_8)
        mailer = here.world.service.mailer
        assert isinstance(mailer, SmtpMailer)
        mailer.conversations.wait(5)
        here.world.people.create_portfolio("Acme", here.world.day(5))  # there is a pass, and with it one listens
        for _ in range(3):
            here.turn(minutes=20)
        assert len(self.got(sink)) == 1

    def test_a_lost_answer_repeats_it_under_one_name_at_most_twice(
        self, begin: Callable[..., LetterWorld], sink: SmtpSink
    ) -> None:
        here = self.begin(begin, sink)
        sink.fail(MailFault("end", times=None))
        here.turn(MONDAY_8)
        for _ in range(12):
            here.turn(minutes=20)
        messages = self.got(sink)
        assert len(messages) == 3
        assert len({str(message["Message-ID"]) for message in messages}) == 1

    @pytest.mark.parametrize("said", ["retry", "confirm"])
    def test_what_may_have_arrived_waits_for_a_persons_word(
        self, begin: Callable[..., LetterWorld], sink: SmtpSink, monkeypatch: pytest.MonkeyPatch, said: str
    ) -> None:
        here = self.begin(begin, sink)
        terminal = Terminal(here.world, monkeypatch)
        sink.fail(MailFault("end", times=3))
        here.turn(MONDAY_8)
        for _ in range(12):
            here.turn(minutes=20)
        left = terminal.run("dead", "retry", "--all")
        assert "1 email may have arrived, and is not sent again unless you name its key: letter:ops@" in " ".join(
            left.stderr.split()
        )
        options = ["--reason", "she has it"] if said == "confirm" else []
        done = terminal.run("dead", said, f"letter:{OPS}", *options)
        assert done.exit_code == 0, done.output
        for _ in range(3):
            here.turn(minutes=20)
        messages = self.got(sink)
        assert len(messages) == (3 if said == "confirm" else 4)
        assert len({str(message["Message-ID"]) for message in messages}) == (1 if said == "confirm" else 2)
        assert terminal.run("dead").exit_code == 0


class TestWhatAnAdminIsTold:
    def test_a_refused_copy_is_told_and_tried_again(
        self, begin: Callable[..., LetterWorld], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = begin(admin_email="admin@agency.example", quirks=Quirks(single_send_end="PREVIOUSLY_BOUNCED"))
        terminal = Terminal(here.world, monkeypatch)
        here.turn(MONDAY_8)
        here.turn(minutes=6)
        status = terminal.run("status")
        assert status.exit_code == 1
        assert "the weekly letter of 2026-11-09 to head@agency.example was refused" in " ".join(status.output.split())
        assert "that of Mon 9 Nov 2026: 2 failed" in " ".join(status.output.split())
        [alert] = [one["message"] for one in terminal.json("status")["told"] if one["kind"] == "letter"]
        assert "- head@agency.example, week of 2026-11-09: HubSpot had taken it and did not send it" in alert
        here.world.sandbox.portal.quirks = Quirks()
        here.turn(minutes=61)
        here.turn(minutes=6)
        status = terminal.run("status")
        assert status.exit_code == 0, status.output
        assert "that of Mon 9 Nov 2026: 2 done" in " ".join(status.output.split())
        assert here.letters == ONCE  # under another name: HubSpot sends one a name

    def test_a_refused_copy_is_dead_until_it_is_tried_again_or_dropped(
        self, begin: Callable[..., LetterWorld], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """By every command: docs/process.md L.7."""
        here = begin(quirks=Quirks(single_send_end="PREVIOUSLY_BOUNCED"))
        terminal = Terminal(here.world, monkeypatch)
        assert terminal.run("dead").exit_code == 0
        here.turn(MONDAY_8)
        here.turn(minutes=6)
        told = terminal.run("dead")
        assert told.exit_code == 1
        assert "The weekly letter (2)" in told.stdout
        assert "letter:ops@agency.example\n    failed, week of 2026-11-09, since Mon 9 Nov" in told.stdout
        assert [one["to"] for one in terminal.json("dead")["letters"]] == [HEAD, OPS]
        shown = terminal.run("dead", "show", f"letter:{OPS.upper()}").stdout
        assert "HubSpot had taken it and did not send it" in shown
        assert "Subject: Creative refreshes, week of Mon 9 Nov 2026" in shown
        needs = visitor(here.world).see("/board/attention")
        assert "The weekly letter: the copy of the week of 2026-11-09 to ops@agency.example" in needs
        assert "handoffs dead show letter:ops@agency.example" in needs

        here.world.sandbox.portal.quirks = Quirks()
        assert (
            "sends the weekly letter again, until Friday: ops@" in terminal.run("dead", "retry", f"letter:{OPS}").stderr
        )
        here.turn(seconds=1)
        assert here.letters == {OPS: 1, HEAD: 0}, "at once, and it alone"
        assert "1 weekly letter" in terminal.run("dead", "drop", f"letter:{HEAD}", "--reason", "left", "--yes").stdout
        for _ in range(3):
            here.turn(minutes=61)
        assert here.letters == {OPS: 1, HEAD: 0}
        assert terminal.run("dead").exit_code == 0
        logged = terminal.run("log").stdout
        assert "The weekly letter of 2026-11-09 to ops@agency.example: done" in " ".join(logged.split())
        assert "to head@agency.example: overtaken: dropped by" in " ".join(logged.split())
        assert [one["to"] for one in terminal.json("log", "--state", "overtaken")["letters"]] == [HEAD]
        assert terminal.json("log", "acme")["letters"] == []
        nobody = terminal.run("dead", "retry", f"letter:{OPS}")
        assert nobody.exit_code == 1
        assert "nothing is the matter with" in nobody.output

    def test_the_board_has_refused_copies_sent_again_in_their_week(self, begin: Callable[..., LetterWorld]) -> None:
        here = begin(quirks=Quirks(single_send_end="PREVIOUSLY_BOUNCED"))
        here.turn(MONDAY_8)
        here.turn(minutes=6)
        dana = visitor(here.world, allowed=acts_of(here.world), may_write=True, board_session_hours=1000)
        here.world.sandbox.portal.quirks = Quirks()
        answer = dana.send("/board/attention", "/board/attention/retry", {"reason": "addresses mended"})
        assert answer.location == "/board/attention?done=retry"
        here.turn(seconds=1)
        assert here.letters == ONCE
        with here.world.service.store.write() as connection:
            for copy in letters.copies(connection, MONDAY_8.date()):
                letters.settle(connection, copy.key, copy.state, EffectState.FAILED, MONDAY_8, reason="refused")
        assert "letter:" in dana.see("/board/attention")
        here.world.clock.set(MONDAY_8 + 5 * DAY)
        assert "letter:" not in dana.get("/board/attention").text, "on Saturday nothing is to be done"

    def test_the_letter_is_shown_and_not_sent(
        self, begin: Callable[..., LetterWorld], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = begin()
        terminal, page = Terminal(here.world, monkeypatch), here.world.directory / "letter.html"
        shown = terminal.run("letter", "--html", str(page))
        assert shown.exit_code == 0, shown.output
        assert shown.stdout.startswith("Subject: Creative refreshes, week of Mon 2 Nov 2026: 0 to come, 0 stuck\n\n")
        assert "The next is due Mon 9 Nov 2026 08:00, to 2 addresses: ops@agency.example, head@" in shown.stderr
        assert page.read_text().startswith("<!DOCTYPE html>")
        assert here.letters == NONE
        here.turn(MONDAY_8)
        told = json.loads(terminal.run("letter", "--json").stdout)
        assert [one["state"] for one in told["standing"]["last"]["copies"]] == ["done", "done"]
        assert json.loads(terminal.run("status", "--json").stdout)["letter"]["next"] == "2026-11-16T13:00:00+00:00"

    def test_nobody_is_named(self, begin: Callable[..., LetterWorld], monkeypatch: pytest.MonkeyPatch) -> None:
        here = begin("rules: {}")
        terminal = Terminal(here.world, monkeypatch)
        assert "Nobody gets it: name addresses as `letter.to` in the mapping" in terminal.run("letter").stderr
        assert json.loads(terminal.run("status", "--json").stdout)["letter"] is None

    def test_a_plan_that_looks_ahead_names_it(
        self, begin: Callable[..., LetterWorld], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        terminal = Terminal(begin().world, monkeypatch)
        assert json.loads(terminal.run("plan", "--json").stdout)["letter"] is None
        assert json.loads(terminal.run("plan", "--at", "2026-11-08", "--json").stdout)["letter"] is None
        ahead = terminal.run("plan", "--at", "2026-11-09").stdout
        assert "@ The weekly letter, due Mon 9 Nov 2026 08:00, to 2 addresses: `handoffs letter` shows it." in ahead

    def test_a_letter_without_a_way_to_send_it_is_told(
        self, begin: Callable[..., LetterWorld], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = begin(email_url=None)
        here.turn(MONDAY_8)
        terminal = Terminal(here.world, monkeypatch)
        assert "goes to nobody: EMAIL_URL is not set" in " ".join(terminal.run("status").output.split())
        checked = terminal.run("check").output
        assert "names who is to get the weekly letter, and EMAIL_URL is not set" in " ".join(checked.split())


def test_a_wrong_address_is_a_fault_of_the_mapping(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text("letter: {to: [ops@agency.example, 'Ann <ann@agency.example>']}\n", encoding="utf-8")
    with pytest.raises(MappingError) as found:
        load(path)
    [fault] = [str(problem).partition("mapping.yaml:1: ")[2] for problem in found.value.problems]
    assert (
        fault
        == "letter.to.1: 'Ann <ann@agency.example>' is no email address: write one such as ops@agency.com, without a name"
    )


def test_an_address_that_stands_twice_gets_one(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text("letter: {to: [ops@agency.example, OPS@agency.example]}\n", encoding="utf-8")
    with pytest.raises(
        MappingError, match=r"letter\.to\.1: 'OPS@agency\.example' stands here twice: remove one of them"
    ):
        load(path)
