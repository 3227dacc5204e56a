"""Sends one email, once as far as the way of sending allows it.

Single-send is exactly once: HubSpot sends one email per `sendId`, ever, and tells later what became of it. SMTP cannot be:
if the connection breaks after the message was handed over, nobody knows. The rule chosen is that nothing due is missed:
such an email is sent again, with the same `Message-ID`, made from the effect's key, so that a mail server that knows it
drops the second one; but not for ever (`TRIES`), then a person has to say whether it arrived.
"""

import hashlib
import smtplib
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import partial
from typing import Protocol, TextIO
from urllib.parse import unquote, urlsplit

from sync.clock import Clock
from sync.crm import CRM
from sync.errors import (
    AuthenticationError,
    CRMRejectedError,
    CRMUnavailableError,
    EmailError,
    EmailUnknownError,
)
from sync.passes.conversations import MOST_OPEN, Conversation, Conversations
from sync.settings import SettingError, Settings

TIMEOUT = 30.0
"""Seconds for each step of a conversation with the mail server, but for its answer to the message."""

ANSWERS_WITHIN = 600.0
"""Seconds that a mail server has to answer to the message: the standard's ten minutes (RFC 5321, 4.5.3.2.6)."""

_LONGEST = ANSWERS_WITHIN + 3 * TIMEOUT
"""Seconds that a conversation may take: with a connection that had died unnoticed, a new one, and the answer."""

PARTS_WITHIN = 1.0
"""Seconds that a mail server has to say goodbye: nothing depends on it."""

EMAILS_OF_A_CONNECTION = 50
"""Emails on one connection: many servers allow a hundred or fewer."""

TRIES = 3
"""Tries of an email without an answer after which a person has to say whether it was sent."""

TRIES_ONCE = 30
"""The same where another try can send no second one (single-send): some 24 hours of them."""


class MailServer(Protocol):
    """A way to send emails, to be asked whether it is there."""

    def check(self) -> str:
        """Connect and log in without sending; one line that says how. Raises `EmailError`."""


class Mailer(MailServer, Protocol):
    """A way to send emails."""

    def send(self, key: str, to: str, subject: str, body: str, html: str | None = None) -> str | None:
        """Send the email of the effect `key`; `body` is plain text, and `html` the same as a page, where there is one.

        Gives what to ask later what became of it; None: it is sent. Raises `EmailError` if it was certainly not sent,
        `EmailUnknownError` if nobody can know, or not yet.
        """


class ConsoleMailer:
    """Prints emails instead of sending them: for trying things out."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out

    def send(self, key: str, to: str, subject: str, body: str, html: str | None = None) -> None:  # noqa: ARG002
        out = self._out or sys.stderr
        out.write(f"--- email to {to} · {key}\nSubject: {subject}\n\n{body}\n---\n")
        out.flush()

    def check(self) -> str:
        return "emails are printed, not sent (EMAIL_URL=console:)"


class SmtpMailer:
    """A connection an email, or one for the emails of a `batch`: a broken one never spoils the next.

    What a slow server says later, when `send` has given up waiting, stands in `conversations.ended`. `plain_login`: log in
    unencrypted too.
    """

    def __init__(self, url: str, sender: str, clock: Clock, *, plain_login: bool = False) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._implicit_tls = parts.scheme == "smtps"
        self._port = parts.port or (465 if self._implicit_tls else 587 if parts.username else 25)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        self._sender = sender
        self._clock = clock
        self._plain_login = plain_login
        self._lock = threading.Lock()
        self._batches = 0  # under way
        self._kept: _Line | None = None  # for the next email of a batch; nobody talks on it
        self.conversations = Conversations(_LONGEST)

    @property
    def _where(self) -> str:
        return f"{self._host}:{self._port}"

    def send(self, key: str, to: str, subject: str, body: str, html: str | None = None) -> None:
        message = self._message(key, to, subject, body, html)
        if self.conversations.is_full():
            text = (
                f"the mail server {self._where} has not answered to {MOST_OPEN} emails yet: the next ones wait for it"
            )
            raise EmailError(text, server_down=True)
        if not self.conversations.hold(key, lambda mine: self._hold(mine, message, to)):
            text = f"the mail server {self._where} has not answered yet; it has ten minutes"
            raise EmailUnknownError(text, answers_within=_LONGEST)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Hand over what is sent meanwhile on one connection, as far as the server lets it; it is closed at the end."""
        with self._lock:
            self._batches += 1
        try:
            yield
        finally:
            with self._lock:
                self._batches -= 1
                last, self._kept = (None, self._kept) if self._batches else (self._kept, None)
            if last is not None:
                _part(last.server)

    def _hold(self, mine: Conversation, message: EmailMessage, to: str) -> None:
        """Hand the message over, on the connection that the email before it has left, else on a new one.

        A server may close a connection after some emails, or want no more on it. What was certainly not taken on a used one,
        and not refused for good, is handed over on a new one.
        """
        with self._lock:
            used, self._kept = self._kept, None
        if used is not None:
            try:
                self._hand_over_on(used, mine, message, to)
            except EmailError as error:
                if error.permanent:
                    raise
            else:
                return
        self._hand_over_on(_Line(self._connect()), mine, message, to)

    def _hand_over_on(self, line: "_Line", mine: Conversation, message: EmailMessage, to: str) -> None:
        """Hand the message over, and keep the connection for the next one where all went well."""
        mine.hang_up = partial(_hang_up, line.server)
        try:
            self._hand_over(line.server, message, to)
        except BaseException:
            _part(line.server)
            raise
        line.emails += 1
        with self._lock:
            keep = self._batches and self._kept is None and line.emails < EMAILS_OF_A_CONNECTION
            if keep:
                self._kept = line
        if not keep:
            _part(line.server)

    def check(self) -> str:
        with self._connected():
            how = "with login" if self._user else "without login"
            return f"the mail server {self._where} answers, {how} (EMAIL_URL)"

    def _message(self, key: str, to: str, subject: str, body: str, html: str | None) -> EmailMessage:
        message = EmailMessage(policy=SMTP)  # lines end as the protocol wants: a server may refuse a bare line feed
        try:
            to.encode("ascii")
            message["From"] = self._sender
            message["To"] = to
            message["Subject"] = subject
            message.set_content(body)
            if html is not None:
                message.add_alternative(html, subtype="html")
        except ValueError as error:
            raise EmailError(f"no email can be written to {to!r} ({error})", permanent=True) from error
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = message_id(key, self._sender)
        message["Auto-Submitted"] = "auto-generated"
        return message

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        server = self._connect()
        try:
            yield server
        finally:
            _part(server)

    def _connect(self) -> smtplib.SMTP:
        try:
            if self._implicit_tls:
                context = ssl.create_default_context()
                server: smtplib.SMTP = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT, context=context)
            else:
                server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT)
        except (OSError, smtplib.SMTPException) as error:
            text = f"the mail server {self._where} cannot be reached ({error}): check EMAIL_URL"
            raise EmailError(text, server_down=True) from error
        try:
            server.ehlo_or_helo_if_needed()
            if not self._implicit_tls and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
                server.ehlo()
            if self._user:
                self._log_in(server)
        except EmailError:
            server.close()
            raise
        except smtplib.SMTPAuthenticationError as error:
            server.close()
            text = f"the mail server {self._where} refuses user and password: check EMAIL_URL"
            raise EmailError(text, server_down=True, login_refused=True) from error
        except (OSError, smtplib.SMTPException, UnicodeError) as error:
            server.close()
            text = f"the mail server {self._where} broke off ({error}): check EMAIL_URL"
            raise EmailError(text, server_down=True) from error
        return server

    def _hand_over(self, server: smtplib.SMTP, message: EmailMessage, to: str) -> None:
        """MAIL, RCPT, DATA one by one: only a break after the message itself leaves its fate unknown."""
        if server.sock is not None:
            server.sock.settimeout(TIMEOUT)
        try:
            code, answer = server.mail(self._sender_address(message))
            if code >= 400:
                raise EmailError(_refused(self._where, "the sender", code, answer), permanent=code >= 500)
            code, answer = server.rcpt(to)
            if code >= 400:
                raise EmailError(_refused(self._where, to, code, answer), permanent=code >= 500)
        except (OSError, smtplib.SMTPException) as error:
            raise EmailError(f"the mail server {self._where} broke off ({error})", server_down=True) from error
        if server.sock is not None:
            server.sock.settimeout(ANSWERS_WITHIN)
        try:
            code, answer = server.data(message.as_bytes())
        except smtplib.SMTPDataError as error:  # the answer to the word DATA itself: nothing was handed over
            text = _refused(self._where, to, error.smtp_code, error.smtp_error)
            raise EmailError(text, permanent=error.smtp_code >= 500) from error
        except (OSError, smtplib.SMTPException) as error:
            raise EmailUnknownError(f"the mail server {self._where} broke off after the message ({error})") from error
        if code >= 400:
            raise EmailError(_refused(self._where, to, code, answer), permanent=code >= 500)

    def _log_in(self, server: smtplib.SMTP) -> None:
        if not self._plain_login and not isinstance(server.sock, ssl.SSLSocket):
            text = (
                f"the mail server {self._where} offers no encryption, and the password would be readable on its way: use "
                "smtps:// or a server with STARTTLS (EMAIL_URL), or accept it (EMAIL_PLAIN_LOGIN=true)"
            )
            raise EmailError(text, server_down=True, login_refused=True)
        server.login(self._user, self._password)

    @staticmethod
    def _sender_address(message: EmailMessage) -> str:
        return parseaddr(str(message["From"]))[1]


class SingleSendMailer:
    """HubSpot's transactional single-send: subject and body reach the template as `subject` and `body`, a page as `html`."""

    def __init__(self, crm: CRM, email_id: str) -> None:
        self._crm = crm
        self._email_id = email_id

    def send(self, key: str, to: str, subject: str, body: str, html: str | None = None) -> str | None:
        texts = {"subject": subject, "body": body} | ({} if html is None else {"html": html})
        try:
            return self._crm.send_single_email(self._email_id, send_id(key), to, texts)
        except CRMRejectedError as error:
            raise EmailError(str(error), permanent=True) from error
        except AuthenticationError as error:  # it may be this one permission that lacks: all other work goes on
            raise EmailError(str(error), server_down=True) from error
        except CRMUnavailableError as error:
            raise EmailUnknownError(str(error)) from error

    def check(self) -> str:
        return f"emails go through HubSpot's single-send, email {self._email_id}; not tried, as that would send one (EMAIL_URL)"


def message_id(key: str, sender: str) -> str:
    """Make the Message-ID of an effect's email: the same at every try."""
    domain = sender.rsplit("@", 1)[-1].strip("> ") or "localhost"
    return f"<{send_id(key)}@{domain}>"


def send_id(key: str) -> str:
    """Make a name for an effect's email that fits every protocol; the same at every try."""
    return "handoffs-" + hashlib.sha256(key.encode()).hexdigest()[:40]


def tries_without_answer(mailer: Mailer | None) -> int:
    """Say after how many tries without an answer a person has to say whether an email was sent."""
    return TRIES_ONCE if isinstance(mailer, SingleSendMailer) else TRIES


def conversations_of(mailer: Mailer | None) -> Conversations | None:
    """Give the conversations of a mailer that holds some; None: it answers at once."""
    return mailer.conversations if isinstance(mailer, SmtpMailer) else None


@dataclass(slots=True)
class _Line:
    """A connection to the mail server, and how many emails were handed over on it."""

    server: smtplib.SMTP
    emails: int = 0


def _part(server: smtplib.SMTP) -> None:
    """Say goodbye. Whatever became of the messages is known by now: how the two part changes nothing."""
    with suppress(OSError, smtplib.SMTPException):
        if server.sock is not None:
            server.sock.settimeout(PARTS_WITHIN)
        server.quit()
    server.close()


def batch_of(mailer: Mailer | None) -> AbstractContextManager[None]:
    """Give what holds the emails of a pass together: those of SMTP go over one connection."""
    return mailer.batch() if isinstance(mailer, SmtpMailer) else nullcontext()


def _hang_up(server: smtplib.SMTP) -> None:
    """End a conversation from another thread: whoever reads from it is told at once."""
    with suppress(OSError):
        if server.sock is not None:
            server.sock.shutdown(socket.SHUT_RDWR)


def _refused(where: str, what: str, code: int, answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else str(answer)
    return f"the mail server {where} refuses {what}: {code} {text}"


def make_mailer(settings: Settings, crm: CRM, clock: Clock) -> Mailer | None:
    """Make the mailer of `EMAIL_URL`; None where it is not set: emails are then kept as blocked.

    Raises `SettingError` where EMAIL_FROM lacks.
    """
    url = settings.email_url
    if url is None:
        return None
    scheme, _, rest = url.partition(":")
    if scheme == "console":
        return ConsoleMailer()
    if scheme == "hubspot":
        return SingleSendMailer(crm, rest.strip("/"))
    if settings.email_from is None:
        raise SettingError(f"EMAIL_FROM is not set: {scheme} needs the sender of the emails (name@example.com)")
    return SmtpMailer(url, settings.email_from, clock, plain_login=settings.email_plain_login)
