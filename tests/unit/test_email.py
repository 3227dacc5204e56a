"""One email at a time, over a real socket: what is certainly not sent, what nobody can know, and what it is called."""

import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from io import StringIO

import pytest

from sync.errors import (
    AuthenticationError,
    ConfigurationError,
    CRMRejectedError,
    CRMUnavailableError,
    EmailError,
    EmailUnknownError,
    HandoffsError,
)
from sync.passes.email import ConsoleMailer, SingleSendMailer, SmtpMailer, make_mailer, message_id, send_id
from sync.sandbox.clock import VirtualClock
from sync.sandbox.mail import MailFault, MailStep, SmtpSink
from sync.settings import read_settings
from tests.conftest import MakeWorld
from tests.world import World

CLOCK = VirtualClock.manual(datetime(2026, 11, 2, 14, 0, tzinfo=UTC))
SENDER = "Handoffs <handoffs@agency.example>"
TO = "amelia.marsh@agency.example"


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as running:
        yield running


def _mailer(sink: SmtpSink, user: str = "") -> SmtpMailer:
    url = sink.url.replace("//", f"//{user}@") if user else sink.url
    return SmtpMailer(url, SENDER, CLOCK, plain_login=True)


def _send(mailer: SmtpMailer, key: str = "1:7:start:0/email:kickoff", to: str = TO) -> None:
    mailer.send(key, to, "Hello", "How are you?\n.\nA dot alone ends nothing.\n")


def test_without_a_thread_for_it_an_email_is_certainly_not_sent(
    sink: SmtpSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def none_left(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    mailer = _mailer(sink)
    with monkeypatch.context() as short:
        short.setattr("sync.passes.conversations.threading.Thread.start", none_left)
        with pytest.raises(EmailError, match="no more threads") as raised:
            _send(mailer)
    assert not raised.value.permanent
    assert not sink.mails
    _send(mailer)
    assert len(sink.mails) == 1


def test_an_email_arrives_as_it_was_written(sink: SmtpSink) -> None:
    _send(_mailer(sink))
    (mail,) = sink.mails
    assert (mail.sender, mail.recipients) == ("handoffs@agency.example", (TO,))
    assert mail.message["From"] == SENDER
    assert mail.message["To"] == TO
    assert mail.message["Auto-Submitted"] == "auto-generated"
    body = mail.message.get_body(("plain",))
    assert body is not None
    assert body.get_content() == "How are you?\n.\nA dot alone ends nothing.\n"


def test_the_message_id_is_made_from_the_key(sink: SmtpSink) -> None:
    mailer = _mailer(sink)
    for key in ("a", "a", "b"):
        _send(mailer, key)
    names = [mail.message_id for mail in sink.mails]
    assert names == [message_id("a", SENDER), message_id("a", SENDER), message_id("b", SENDER)]
    assert len(set(names)) == 2
    assert names[0].endswith("@agency.example>")


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "end"])
@pytest.mark.parametrize(("code", "permanent"), [(450, False), (550, True)])
def test_a_refusal_is_certain(sink: SmtpSink, step: MailStep, code: int, permanent: bool) -> None:
    sink.fail(MailFault(step, code))
    with pytest.raises(EmailError) as caught:
        _send(_mailer(sink))
    assert caught.value.permanent is permanent
    assert not caught.value.server_down, "the next email may well be taken"
    assert str(code) in str(caught.value)
    assert sink.mails == []


@pytest.mark.parametrize("step", ["connect", "helo", "mail", "rcpt"])
def test_a_break_before_the_message_is_certain(sink: SmtpSink, step: MailStep) -> None:
    sink.fail(MailFault(step, times=None))
    with pytest.raises(EmailError) as caught:
        _send(_mailer(sink))
    assert caught.value.server_down
    assert not caught.value.permanent
    assert sink.mails == []


@pytest.mark.parametrize("keep", [True, False])
def test_a_break_after_the_final_dot_leaves_it_unknown(sink: SmtpSink, keep: bool) -> None:
    sink.fail(MailFault("end", keep=keep))
    with pytest.raises(EmailUnknownError):
        _send(_mailer(sink))
    assert len(sink.mails) == keep


def test_an_email_sent_again_can_be_told_by_its_name() -> None:
    with SmtpSink(deduplicate=True) as sink:
        sink.fail(MailFault("end"))
        with pytest.raises(EmailUnknownError):
            _send(_mailer(sink))
        _send(_mailer(sink))
        assert len(sink.mails) == 1
        assert list(sink.attempts.values()) == [2]


@pytest.mark.parametrize("code", [421, 550])
def test_a_server_that_greets_with_a_refusal_is_down(sink: SmtpSink, code: int) -> None:
    sink.fail(MailFault("connect", code))
    with pytest.raises(EmailError) as caught:
        _send(_mailer(sink))
    assert caught.value.server_down


def test_wrong_credentials(sink: SmtpSink) -> None:
    sink.fail(MailFault("auth", 535, times=None))
    with pytest.raises(EmailError, match="refuses user and password: check EMAIL_URL") as caught:
        _send(_mailer(sink, "amy:wrong"))
    assert caught.value.server_down
    assert "wrong" not in str(caught.value)


@pytest.mark.parametrize("secret", ["p%C3%A4ss", "s%40cret%2F"])
def test_credentials_are_decoded(sink: SmtpSink, secret: str) -> None:
    """What the protocol cannot carry is an error of its own, not a crash."""
    if "%C3" in secret:
        with pytest.raises(EmailError):
            _send(_mailer(sink, f"amy:{secret}"))
    else:
        _send(_mailer(sink, f"amy:{secret}"))
        assert sink.mails[0].user == "amy"


def test_a_server_without_login_refuses_credentials() -> None:
    with _server({"EHLO": "250 tiny.example"}) as port, pytest.raises(EmailError, match="check EMAIL_URL"):
        SmtpMailer(f"smtp://amy:secret@127.0.0.1:{port}", SENDER, CLOCK, plain_login=True).check()


def test_starttls_that_fails_sends_nothing_in_the_clear() -> None:
    answers = {"EHLO": "250-tiny.example\r\n250 STARTTLS", "STARTTLS": "454 not now"}
    with _server(answers) as port, pytest.raises(EmailError) as caught:
        _send(SmtpMailer(f"smtp://amy:secret@127.0.0.1:{port}", SENDER, CLOCK))
    assert caught.value.server_down


POLITE = {
    "EHLO": "250 tiny.example",
    "MAIL": "250 OK",
    "RCPT": "250 OK",
    "DATA": "354 go on",
    ".": "250 taken",
    "QUIT": "221 bye",
}


def test_how_the_two_part_changes_nothing() -> None:
    """A server that is rude after it took the message: it has the message."""
    with _server({**POLITE, "QUIT": "421 too late"}) as port:
        _send(SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, CLOCK))


def test_every_line_ends_as_the_protocol_wants() -> None:
    """Mail servers refuse bare line feeds since they were found to smuggle messages."""
    heard: list[bytes] = []
    with _server(POLITE, heard) as port:
        _send(SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, CLOCK))
    assert b"..\r\n" in heard, "a dot alone on its line is doubled"
    assert [line for line in heard if not line.endswith(b"\r\n")] == []


def test_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(EmailError, match="cannot be reached") as caught:
        _send(SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, CLOCK))
    assert caught.value.server_down


@pytest.mark.parametrize("to", ["müller@agency.example", "a@b.example\r\nRCPT TO:<c@d.example>"])
def test_an_address_that_cannot_be_written_to(sink: SmtpSink, to: str) -> None:
    with pytest.raises(EmailError) as caught:
        _send(_mailer(sink), to=to)
    assert caught.value.permanent
    assert sink.mails == []


def test_check_sends_nothing(sink: SmtpSink) -> None:
    assert "without login" in _mailer(sink).check()
    assert "with login" in _mailer(sink, "amy:secret").check()
    assert sink.mails == []


def test_a_password_is_not_sent_where_all_can_read_it(sink: SmtpSink) -> None:
    """`smtp://` with a password, and a mail server without STARTTLS: no login but where the setting accepts it."""
    heard: list[bytes] = []
    with _server(POLITE | {"EHLO": "250 AUTH PLAIN"}, heard) as port:
        mailer = SmtpMailer(f"smtp://amy:secret@127.0.0.1:{port}", SENDER, CLOCK)
        with pytest.raises(EmailError, match="EMAIL_PLAIN_LOGIN") as caught:
            _send(mailer)
    assert (caught.value.server_down, caught.value.login_refused) == (True, True)
    assert not any(b"AUTH" in line for line in heard)


class TestBatch:
    """Several emails in a row: one connection, and whatever happens on it, what each of them would have met alone."""

    def test_they_go_over_one_connection(self, sink: SmtpSink) -> None:
        mailer = _mailer(sink, "amy:secret")
        with mailer.batch():
            for key in "abc":
                _send(mailer, key)
        assert [mail.message_id for mail in sink.mails] == [message_id(key, SENDER) for key in "abc"]
        assert [mail.user for mail in sink.mails] == ["amy"] * 3
        assert sink.connections == 1
        _send(mailer, "d")
        assert sink.connections == 2, "nothing is kept beyond a batch"

    def test_a_server_takes_so_many_on_one(self, sink: SmtpSink, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("sync.passes.email.EMAILS_OF_A_CONNECTION", 2)
        mailer = _mailer(sink)
        with mailer.batch():
            for key in "abcde":
                _send(mailer, key)
        assert (len(sink.mails), sink.connections) == (5, 3)

    @pytest.mark.parametrize("step", ["mail", "rcpt"])
    @pytest.mark.parametrize("code", [0, 421])
    def test_one_that_the_server_has_closed_costs_nothing(self, sink: SmtpSink, step: MailStep, code: int) -> None:
        mailer = _mailer(sink)
        with mailer.batch():
            _send(mailer, "a")
            sink.fail(MailFault(step, code))
            _send(mailer, "b")
            _send(mailer, "c")
        assert list(sink.attempts.values()) == [1, 1, 1]
        assert sink.connections == 2

    def test_a_refusal_for_good_is_met_once(self, sink: SmtpSink) -> None:
        mailer = _mailer(sink)
        with mailer.batch():
            _send(mailer, "a")
            sink.fail(MailFault("rcpt", 550))
            with pytest.raises(EmailError) as caught:
                _send(mailer, "b")
            _send(mailer, "c")
        assert caught.value.permanent
        assert len(sink.mails) == 2

    @pytest.mark.parametrize("keep", [True, False])
    def test_what_is_unknown_is_not_sent_again(self, sink: SmtpSink, keep: bool) -> None:
        mailer = _mailer(sink)
        with mailer.batch():
            _send(mailer, "a")
            sink.fail(MailFault("end", keep=keep))
            with pytest.raises(EmailUnknownError):
                _send(mailer, "b")
            _send(mailer, "c")
        assert len(sink.mails) == 2 + keep
        assert list(sink.attempts.values()) == [1] * (2 + keep)

    def test_a_server_that_is_down_by_now(self, sink: SmtpSink) -> None:
        mailer = _mailer(sink)
        with mailer.batch():
            _send(mailer, "a")
            sink.fail(MailFault("mail"), MailFault("connect"))
            with pytest.raises(EmailError) as caught:
                _send(mailer, "b")
        assert caught.value.server_down
        assert len(sink.mails) == 1

    def test_a_server_that_says_no_goodbye(self) -> None:
        """It is not waited for: nothing depends on it."""
        answers = {verb: answer for verb, answer in POLITE.items() if verb != "QUIT"}
        with _server(answers) as port:
            mailer = SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, CLOCK)
            began = time.monotonic()
            with mailer.batch():
                _send(mailer)
            assert time.monotonic() - began < 5


def test_the_emails_of_a_pass_go_over_one_connection(make_world: MakeWorld, sink: SmtpSink) -> None:
    world = make_world(email_url=sink.url, email_from=SENDER)
    for number in range(5):
        world.people.create_portfolio(f"Client {number}", world.day(10))
    world.work()
    assert (len(sink.mails), sink.connections) == (5, 1)


# Single-send


def _failing(error: HandoffsError) -> Callable[..., None]:
    def send_single_email(*_: object) -> None:
        raise error

    return send_single_email


@pytest.mark.parametrize(
    ("error", "permanent", "server_down"),
    [
        (CRMRejectedError("bounced"), True, False),
        (AuthenticationError("lacks the scope transactional-email", status=403), False, True),
    ],
)
def test_single_send_refused(
    world: World, monkeypatch: pytest.MonkeyPatch, error: HandoffsError, permanent: bool, server_down: bool
) -> None:
    monkeypatch.setattr(world.service.crm, "send_single_email", _failing(error))
    with pytest.raises(EmailError) as caught:
        SingleSendMailer(world.service.crm, "777").send("k", TO, "Hello", "Hello")
    assert (caught.value.permanent, caught.value.server_down) == (permanent, server_down)


def test_single_send_without_an_answer(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.service.crm, "send_single_email", _failing(CRMUnavailableError("no answer")))
    with pytest.raises(EmailUnknownError):
        SingleSendMailer(world.service.crm, "777").send("k", TO, "Hello", "Hello")


def test_single_send_twice_is_one_email(world: World) -> None:
    mailer = SingleSendMailer(world.service.crm, "777")
    for _ in range(2):
        mailer.send("k", TO, "Hello", "Hello")
    assert [mail.send_id for mail in world.people.emails()] == [send_id("k")]


# EMAIL_URL


def test_the_mailer_of_a_setting(world: World) -> None:
    def made(**settings: str) -> object:
        return make_mailer(read_settings(_env_file=None, **settings), world.service.crm, CLOCK)

    assert made() is None
    assert isinstance(made(email_url="console:"), ConsoleMailer)
    assert isinstance(made(email_url="hubspot:777"), SingleSendMailer)
    assert isinstance(made(email_url="smtp://127.0.0.1", email_from=SENDER), SmtpMailer)
    with pytest.raises(ConfigurationError, match="EMAIL_FROM"):
        made(email_url="smtp://127.0.0.1")


def test_the_console_shows_the_email() -> None:
    out = StringIO()
    ConsoleMailer(out).send("k", TO, "Hello", "How are you?")
    assert TO in out.getvalue()
    assert "How are you?" in out.getvalue()


@contextmanager
def _server(answers: dict[str, str], heard: list[bytes] | None = None) -> Iterator[int]:
    """A mail server that says what it is told to say, word for word, and keeps each line that it `heard`; the port."""

    class Conversation(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self._say("220 tiny.example")
            for line in self.rfile:
                if heard is not None:
                    heard.append(line)
                verb = line.decode().split()[0].upper() if line.strip() else ""
                if line.strip() == b".":
                    verb = "."
                if verb in answers:
                    self._say(answers[verb])

        def _say(self, text: str) -> None:
            self.wfile.write(f"{text}\r\n".encode())

    with socketserver.TCPServer(("127.0.0.1", 0), Conversation) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()
