"""A try in the ledger: claimed before the call, and afterwards settled, given up or put aside."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from sync.clock import Clock
from sync.crm import LANDED_AFTER, Applied, NotSent, Outcome, RecordRef, Rejected, Taken, Unknown
from sync.errors import AuthenticationError
from sync.failpoints import Failpoint
from sync.passes.portal import Portal
from sync.rules.keys import EffectKind
from sync.rules.model import EffectState
from sync.storage import ledger
from sync.storage.database import Connection, Store
from sync.storage.ledger import LedgerEffect

TRY_AGAIN = timedelta(minutes=2)
"""When something that was certainly not sent is tried again."""

BLOCKED_AGAIN = timedelta(hours=1)
"""When something that a person has to mend is tried again."""

log = structlog.get_logger()


@dataclass
class Performed:
    """What a round did: `wrote` must be read again, `stale` was not as decided on, `again_at` says when to pass again.

    Nothing may be decided on what is `unsure` before its outcome is known: what was read of it may not be true.
    """

    wrote: set[RecordRef] = field(default_factory=set)
    stale: set[RecordRef] = field(default_factory=set)
    unsure: set[RecordRef] = field(default_factory=set)
    again_at: dict[RecordRef, datetime] = field(default_factory=dict)
    tried: int = 0
    failed: int = 0
    unknown: int = 0
    not_sent: int = 0  # certainly not applied, to be tried again

    def recheck_at(self, record: RecordRef, moment: datetime) -> None:
        """Pass again at `moment`, or earlier where that was asked for before."""
        self.again_at[record] = min(moment, self.again_at.get(record, moment))


class Attempts:
    """Writes down how each try goes. `failpoint` is called between any two steps."""

    def __init__(self, store: Store, clock: Clock, failpoint: Failpoint) -> None:
        self._store = store
        self._clock = clock
        self.failpoint = failpoint

    def claim(self, effects: Iterable[LedgerEffect]) -> set[str]:
        """Claim these, so that nobody else tries them; the keys of those that were still to be tried."""
        self.failpoint("claiming")
        with self._store.write() as connection:
            claimed = ledger.claim(connection, [effect.key for effect in effects], self._clock.now())
        self.failpoint("claimed")
        return claimed

    def send(self, effects: Sequence[LedgerEffect], call: Callable[[], list[Outcome]]) -> list[Outcome]:
        """Make the call for which these were claimed; one outcome for each item of the call.

        Raises `AuthenticationError`: certainly nothing was applied, and the claims are given up. Raises `LaneLostError`,
        and sends nothing; the claims stay, for whoever has the lane by now.
        """
        self._store.require_lane()
        try:
            outcomes = call()
        except AuthenticationError as error:
            self.release(effects, str(error))
            raise
        self.failpoint("sent")
        return outcomes

    def require_lane(self) -> None:
        """Raise `LaneLostError` if the lane was lost: then nothing is to be sent any more."""
        self._store.require_lane()

    def release(self, effects: Sequence[LedgerEffect], reason: str) -> None:
        """Give up the claim on what was certainly not sent."""
        if not effects:
            return
        with self._store.write() as connection:
            for effect in effects:
                ledger.release_claim(connection, effect.key, self._clock.now(), reason)

    def put_off(self, effect: LedgerEffect, reason: str, done: Performed) -> None:
        """Give up the claim on what was not sent because its record came incomplete, and ask for another pass soon."""
        self.release([effect], reason)
        done.not_sent += 1
        done.recheck_at(effect.unit, self._clock.now() + TRY_AGAIN)

    def put_aside(self, effect: LedgerEffect, state: EffectState, reason: str, done: Performed) -> None:
        """Settle what cannot even be tried as blocked or failed, and ask for another pass in a while."""
        log.warning("effect.put_aside", effect=effect.key, record=str(effect.record), state=state.value, reason=reason)
        with self._store.write() as connection:
            ledger.settle(connection, effect.key, state, self._clock.now(), reason=reason)
        done.recheck_at(effect.unit, self._clock.now() + BLOCKED_AGAIN)

    def left_without(self, effect: LedgerEffect, portal: Portal, done: Performed) -> bool:
        """Say whether whoever was to have this works here no longer; then it is decided anew who has it.

        They were known when it was decided, and left before it could be done.
        """
        owner = str(effect.payload["owner"])
        if portal.employs(owner):
            return False
        known = portal.owners.get(owner)
        who = f"{known.name} was deactivated" if known is not None else f"owner {owner} does not exist any more"
        self.put_aside(effect, EffectState.BLOCKED, f"{who} before it could be done", done)
        done.stale.add(effect.unit)
        return True

    def leave(self, effect: LedgerEffect, reason: str) -> None:
        """Settle what was claimed, and proves to be pointless, as overtaken."""
        log.info("effect.left", effect=effect.key, record=str(effect.record), reason=reason)
        with self._store.write() as connection:
            ledger.settle(connection, effect.key, EffectState.SUPERSEDED, self._clock.now(), reason=reason)

    def settle(self, outcomes: Sequence[tuple[LedgerEffect, Outcome]], done: Performed) -> None:
        """Write down what came of each try, in one transaction, and count it in `done`."""
        now = self._clock.now()
        with self._store.write() as connection:
            for effect, outcome in outcomes:
                _settle(connection, effect, outcome, now, done)
                log.info(
                    "effect.settled",
                    effect=effect.key,
                    record=str(effect.record),
                    outcome=type(outcome).__name__.lower(),
                    reason=getattr(outcome, "message", None),
                )
        self.failpoint("settled")


def _settle(connection: Connection, effect: LedgerEffect, outcome: Outcome, now: datetime, done: Performed) -> None:
    done.tried += 1
    match outcome:
        case Applied(crm_id, message):
            ledger.settle(connection, effect.key, EffectState.DONE, now, crm_id=crm_id, reason=message)
        case Rejected(message, missing=True) if effect.kind is EffectKind.WRITE:
            # Deleted since it was read: the next pass finds that out, and what becomes of all that is open.
            ledger.release_claim(connection, effect.key, now, message)
            done.recheck_at(effect.unit, now + TRY_AGAIN)
            done.not_sent += 1
        case Rejected(message, missing=True) if effect.kind in {EffectKind.CLOSE, EffectKind.LINE}:
            ledger.settle(connection, effect.key, EffectState.SUPERSEDED, now, reason=message)
            done.tried -= 1
        case Rejected(message):
            ledger.settle(connection, effect.key, EffectState.FAILED, now, reason=message)
            done.failed += 1
        case NotSent(message):
            ledger.release_claim(connection, effect.key, now, message)
            done.recheck_at(effect.unit, now + TRY_AGAIN)
            done.not_sent += 1
        case Taken(to, status_id):
            ledger.settle(connection, effect.key, EffectState.SENDING, now, crm_id=to, follow=status_id, not_before=now)
        case Unknown(message, within):
            later = None if within is None else now + within
            ledger.settle(connection, effect.key, EffectState.UNKNOWN, now, reason=message, not_before=later)
            done.recheck_at(effect.unit, now + LANDED_AFTER)
            done.unsure.add(effect.unit)
            done.unknown += 1


def lands_by(effect: LedgerEffect) -> datetime:
    """The moment from which on the absence of a try without an answer means something."""
    lands = effect.state_at + LANDED_AFTER
    return lands if effect.not_before is None else max(lands, effect.not_before)


def wait_for_outcome(effect: LedgerEffect, until: dict[RecordRef, datetime]) -> None:
    """Note when an outcome that is not known can be looked for: with the last of its record's."""
    lands = lands_by(effect)
    until[effect.unit] = max(lands, until.get(effect.unit, lands))
