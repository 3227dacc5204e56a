"""Emails: one at a time, so that a mail server that is down costs one try."""

from collections.abc import Sequence

from mappings.problems import MappingError
from mappings.texts import Texts
from mappings.vocabulary import EmailKind
from sync.clock import Clock
from sync.crm import Applied, NotSent, Outcome, Rejected, Unknown
from sync.errors import EmailError, EmailUnknownError
from sync.passes.effects.attempts import TRY_AGAIN, Attempts, Performed
from sync.passes.email import Mailer
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
            subject, body = self._texts.email(EmailKind(effect.payload["email_kind"]), effect.payload["context"])
        except MappingError as error:
            self._attempts.put_aside(effect, EffectState.BLOCKED, str(error), done)
            return False
        if effect.key not in self._attempts.claim([effect]):
            return False
        outcome, server_down = _send(self._mailer, effect.key, owner.email, subject, body)
        self._attempts.failpoint("sent")
        self._attempts.settle([(effect, outcome)], done)
        return server_down


def _send(mailer: Mailer, key: str, to: str, subject: str, body: str) -> tuple[Outcome, bool]:
    """What came of it, and whether no other email can be sent now either."""
    try:
        mailer.send(key, to, subject, body)
    except EmailUnknownError as error:
        return Unknown(str(error)), False
    except EmailError as error:
        return Rejected(str(error)) if error.permanent else NotSent(str(error)), error.server_down
    return Applied(to), False
