"""Emails: one at a time, so that a mail server that is down costs one try."""

from collections.abc import Sequence
from datetime import timedelta

from mappings.problems import MappingError
from mappings.texts import Texts
from mappings.vocabulary import EmailKind
from sync.clock import Clock
from sync.crm import Applied, NotSent, Outcome, Rejected, Taken, Unknown
from sync.errors import EmailError, EmailUnknownError
from sync.passes.effects.attempts import TRY_AGAIN, Attempts, Performed
from sync.passes.email import Mailer, batch_of
from sync.passes.portal import Portal
from sync.rules.model import EffectState
from sync.storage.ledger import LedgerEffect


class Emails:
    """Sends emails. `mailer` None: EMAIL_URL is not set, and every email is blocked."""

    def __init__(self, mailer: Mailer | None, texts: Texts, clock: Clock, attempts: Attempts) -> None:
        self._mailer = mailer
        self._texts = texts
        self._clock = clock
        self._attempts = attempts

    def perform(self, effects: Sequence[LedgerEffect], portal: Portal, done: Performed) -> None:
        """Try these, until the mail server is down. Raises `StoreError`."""
        with batch_of(self._mailer):
            for effect in effects:
                self._attempts.failpoint("mailing")
                if self._perform(effect, portal, done):
                    for other in effects:
                        done.recheck_at(other.unit, self._clock.now() + TRY_AGAIN)
                    return  # the others would only wait for the same

    def _perform(self, effect: LedgerEffect, portal: Portal, done: Performed) -> bool:
        """Try one; whether no other email can be sent now either."""
        if self._mailer is None:
            self._attempts.put_aside(effect, EffectState.BLOCKED, "EMAIL_URL is not set", done)
            return False
        if self._attempts.left_without(effect, portal, done):
            return False
        owner = portal.owners[str(effect.payload["owner"])]
        if not owner.email:
            reason = f"{owner.name or 'owner'} ({owner.id}) has no email address in HubSpot: name a person instead"
            self._attempts.put_aside(effect, EffectState.BLOCKED, reason, done)
            return False
        try:
            texts = self._texts.speaking(portal.words)
            subject, body = texts.email(EmailKind(effect.payload["email_kind"]), effect.payload["context"])
        except MappingError as error:
            self._attempts.put_aside(effect, EffectState.BLOCKED, str(error), done)
            return False
        if effect.key not in self._attempts.claim([effect]):
            return False
        self._attempts.require_lane()
        outcome, server_down = _send(self._mailer, name_of_try(effect), owner.email, subject, body)
        self._attempts.failpoint("sent")
        self._attempts.settle([(effect, outcome)], done)
        return server_down


def name_of_try(effect: LedgerEffect) -> str:
    """The name under which this email is sent: the same at every try, until one is refused for good.

    HubSpot sends one email a name, ever, and may take a refused one for sent.
    """
    return name_of(effect.key, effect.refusals)


def name_of(key: str, refusals: int) -> str:
    """The same, by the effect's key and how often it was refused for good."""
    return f"{key}{_AGAIN}{refusals}" if refusals else key


def key_of_try(name: str) -> str:
    """The effect's key, of the name under which it was sent."""
    return name.partition(_AGAIN)[0]


_AGAIN = "#"


def _send(mailer: Mailer, key: str, to: str, subject: str, body: str) -> tuple[Outcome, bool]:
    """What came of it, and whether no other email can be sent now either."""
    try:
        status_id = mailer.send(key, to, subject, body)
    except (EmailError, EmailUnknownError) as error:
        return outcome_of(error), isinstance(error, EmailError) and error.server_down
    return (Applied(to) if status_id is None else Taken(to, status_id)), False


def outcome_of(error: Exception) -> Outcome:
    """What an error says of the email that it was met with."""
    match error:
        case EmailError():
            return Rejected(str(error)) if error.permanent else NotSent(str(error))
        case EmailUnknownError(answers_within=float() as seconds):
            return Unknown(str(error), timedelta(seconds=seconds))
    return Unknown(str(error) or type(error).__name__)
