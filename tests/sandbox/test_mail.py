"""The SMTP sink: what smtplib sends arrives, and fails as asked."""

import smtplib
from collections.abc import Iterator
from email.message import EmailMessage

import pytest

from sync.sandbox import MailFault, SmtpSink


@pytest.fixture
def sink() -> Iterator[SmtpSink]:
    with SmtpSink() as running:
        yield running


def _message(key: str = "k1") -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = "service@x.example", "am@x.example"
    message["Subject"] = "Grüße – ready"
    message["Message-ID"] = f"<{key}@handoffs>"
    message.set_content("Hello\n.a line that begins with a dot\n")
    return message


def _send(sink: SmtpSink, key: str = "k1") -> None:
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=5) as client:
        client.send_message(_message(key))


def test_a_message_arrives_whole(sink: SmtpSink) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=5) as client:
        client.login("service", "secret")
        client.noop()
        client.rset()
        client.send_message(_message("k1"), to_addrs=["am@x.example", "sas@x.example"])
        client.send_message(_message("k2"))
    first, second = sink.mails
    assert (first.sender, first.recipients) == ("service@x.example", ("am@x.example", "sas@x.example"))
    assert first.message["Subject"] == "Grüße – ready"
    assert first.message_id == "<k1@handoffs>"
    assert first.as_json()["body"] == "Hello\n.a line that begins with a dot\n"
    assert first.user == "service"
    assert second.message_id == "<k2@handoffs>"
    assert sink.url == f"smtp://127.0.0.1:{sink.port}"


def test_duplicates_are_kept_or_not() -> None:
    for deduplicate, kept in ((False, 2), (True, 1)):
        with SmtpSink(deduplicate=deduplicate) as sink:
            _send(sink)
            _send(sink)
            assert len(sink.mails) == kept
            assert sink.attempts["<k1@handoffs>"] == 2


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (MailFault("connect", 421), smtplib.SMTPConnectError),
        (MailFault("connect"), smtplib.SMTPServerDisconnected),
        (MailFault("mail", 451), smtplib.SMTPSenderRefused),
        (MailFault("rcpt", 550), smtplib.SMTPRecipientsRefused),
        (MailFault("data", 554), smtplib.SMTPDataError),
        (MailFault("end", 452), smtplib.SMTPDataError),
        (MailFault("mail"), smtplib.SMTPServerDisconnected),
        (MailFault("end", keep=False), smtplib.SMTPServerDisconnected),
    ],
)
def test_faults_at_each_step(sink: SmtpSink, fault: MailFault, error: type[Exception]) -> None:
    sink.fail(fault)
    with pytest.raises(error):
        _send(sink)
    assert sink.mails == []
    _send(sink)
    assert len(sink.mails) == 1


def test_a_message_may_be_taken_and_the_answer_lost(sink: SmtpSink) -> None:
    sink.fail(MailFault("end"))
    with pytest.raises(smtplib.SMTPServerDisconnected):
        _send(sink)
    assert [mail.message_id for mail in sink.mails] == ["<k1@handoffs>"]
    sink.clear()
    assert sink.mails == []


def test_nonsense_is_answered_and_endured(sink: SmtpSink) -> None:
    with smtplib.SMTP("127.0.0.1", sink.port, timeout=5) as client:
        assert client.docmd("WHAT")[0] == 500
        assert client.docmd("DATA")[0] == 503
        assert client.docmd("RCPT", "TO:<a@b>")[0] == 503
        client.ehlo()
        assert client.docmd("AUTH", "PLAIN !!!")[0] == 501
        assert client.docmd("VRFY", "x")[0] == 252
