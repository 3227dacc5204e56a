"""Emails that were handed over: what became of them is asked, or told late, and written down."""

from collections.abc import Sequence
from datetime import timedelta

import structlog

from sync.clock import Clock
from sync.crm import CRM, Applied, EmailEnd, EmailFate, NotSent, Outcome, Rejected
from sync.errors import CRMError
from sync.failpoints import Failpoint
from sync.passes.conversations import Conversations
from sync.passes.effects.emails import key_of_try, outcome_of
from sync.passes.effects.letters import told_late
from sync.passes.effects.resolve import WHO_DECIDES
from sync.rules.keys import is_letter_copy
from sync.rules.model import EffectState
from sync.storage import ledger
from sync.storage.database import Store
from sync.storage.ledger import LedgerEffect

AT_A_TIME = 20
"""Emails that are asked after at a time: more of them wait for the next turn, so that no pass waits for long."""

ASKED_EVERY = (
    (timedelta(minutes=2), timedelta(seconds=20)),
    (timedelta(minutes=10), timedelta(minutes=2)),
    (timedelta(hours=2), timedelta(minutes=15)),
    (timedelta(days=1), timedelta(hours=1)),
)
"""How often an email is asked after: until it was handed over so long ago, every so often."""

TOLD_WITHIN = timedelta(days=1)
"""After which an email whose end the CRM has not told waits for a person."""

NOT_TOLD_FOR = timedelta(hours=1)
"""After which one of which the CRM tells nothing at all counts as sent: it has taken it."""

WAITS_AT_THE_END = 60.0
"""Seconds that a command waits for a slow mail server before it ends: what that says later nobody would hear."""

log = structlog.get_logger()


class Follower:
    """Settles emails that were handed over, whenever their lane is held.

    `conversations`: those with the mail server; None where emails go another way.
    """

    def __init__(
        self, crm: CRM, store: Store, clock: Clock, failpoint: Failpoint, conversations: Conversations | None = None
    ) -> None:
        self._crm = crm
        self._store = store
        self._clock = clock
        self._failpoint = failpoint
        self._conversations = conversations

    def follow(self) -> None:
        """Note what was told late, and ask after what is to be asked after by now. Raises `StoreError`."""
        for name, error in () if self._conversations is None else self._conversations.ended():
            key, outcome = key_of_try(name), Applied("") if error is None else outcome_of(error)
            if is_letter_copy(key):
                told_late(self._store, key, outcome, self._clock.now())
            else:
                self._told_late(key, outcome)
        with self._store.read() as connection:
            due = ledger.to_follow(connection, self._clock.now(), AT_A_TIME)
        for effect in due:
            if not self._ask(effect):
                self._put_off(due)
                return  # the others would only wait for the same

    def finish(self) -> None:
        """The same, once a slow mail server has been given some time to answer. Raises `StoreError`."""
        if self._conversations is not None:
            self._conversations.wait(WAITS_AT_THE_END)
        self.follow()

    def _ask(self, effect: LedgerEffect) -> bool:
        """Ask after one; whether there was an answer."""
        try:
            fate = self._crm.email_fate(effect.follow or "")
        except CRMError as error:
            log.info("email.not_told", effect=effect.key, reason=str(error))
            return False
        self._failpoint("email told")
        if (settled := self._settled(effect, fate)) is None:
            self._put_off([effect])
            return True
        state, reason = settled
        with self._store.write() as connection:
            if ledger.is_in(connection, effect.key, EffectState.SENDING):
                ledger.settle(connection, effect.key, state, self._clock.now(), reason=reason)
                ledger.mark_done(connection, [effect.unit])
        log.info("email.told", effect=effect.key, state=state.value, reason=reason)
        return True

    def _settled(self, effect: LedgerEffect, fate: EmailFate) -> tuple[EffectState, str | None] | None:
        """The state that an email comes to by what the CRM tells of it, and why; None: it is to be asked after again."""
        age = self._clock.now() - effect.state_at
        match fate.end:
            case EmailEnd.SENT:
                return EffectState.DONE, None
            case EmailEnd.REFUSED:
                return (
                    EffectState.FAILED,
                    f"HubSpot had taken the email to {self._to(effect)} and did not send it: {fate.words}",
                )
            case EmailEnd.NOT_TOLD if age >= NOT_TOLD_FOR:
                return EffectState.DONE, f"HubSpot has taken it, and does not tell what became of it: {fate.words}"
            case EmailEnd.PENDING if age >= TOLD_WITHIN:
                reason = f"HubSpot has taken it a day ago and still says {fate.words} (status {effect.follow}). {WHO_DECIDES}"
                return EffectState.UNPROVEN, reason
        return None

    def _put_off(self, effects: Sequence[LedgerEffect]) -> None:
        """Ask again after a while, ever more seldom. One that nobody answers for any more waits for a person."""
        now = self._clock.now()
        with self._store.write() as connection:
            for effect in effects:
                age = now - effect.state_at
                if not ledger.is_in(connection, effect.key, EffectState.SENDING):
                    continue  # another lane's worker has asked too, and was told
                if age >= TOLD_WITHIN:
                    reason = f"HubSpot has taken it, and could not be asked for a day what became of it. {WHO_DECIDES}"
                    ledger.settle(connection, effect.key, EffectState.UNPROVEN, now, reason=reason)
                else:
                    every = next(every for until, every in ASKED_EVERY if age < until)
                    ledger.put_off(connection, effect.key, now + every)

    def _told_late(self, key: str, outcome: Outcome) -> None:
        """The answer has come of one that was taken for unknown, unless its outcome was decided meanwhile."""
        now = self._clock.now()
        with self._store.write() as connection:
            if not ledger.is_in(connection, key, EffectState.UNKNOWN):
                return
            match outcome:
                case Applied():
                    ledger.settle(connection, key, EffectState.DONE, now)
                case Rejected(message):
                    ledger.settle(connection, key, EffectState.FAILED, now, reason=message)
                case NotSent(message):
                    ledger.release_claim(connection, key, now, message)
                case _:
                    return  # it is unknown, and stays so
            ledger.mark_done_of(connection, key)
        log.info("email.told_late", effect=key, outcome=type(outcome).__name__.lower())

    @staticmethod
    def _to(effect: LedgerEffect) -> str:
        return effect.crm_id or "its receiver"
