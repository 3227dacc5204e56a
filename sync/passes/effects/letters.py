"""The copies of the weekly letter: each is claimed before it is sent, and settled afterwards, as every other effect is.

They are of no record, so that no lane and no pass is theirs: whichever worker claims a copy sends it. A copy whose outcome
nobody can tell is sent again under the same name, as any email (`sync.passes.email`), until its time is over (docs/process.md
L.4).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import structlog

from mappings.letter import Letter
from sync.clock import Clock
from sync.crm import CRM, LANDED_AFTER, Applied, EmailEnd, NotSent, Outcome, Rejected, Taken, Unknown
from sync.errors import CRMError, EmailError, EmailUnknownError
from sync.failpoints import Failpoint
from sync.passes.effects.attempts import BLOCKED_AGAIN, TRY_AGAIN
from sync.passes.effects.emails import name_of, outcome_of
from sync.passes.email import ANSWERS_WITHIN, Mailer, batch_of, tries_without_answer
from sync.rules.model import EffectState
from sync.storage import letters
from sync.storage.database import Store
from sync.storage.letters import Copy

CUT_OFF: Final = timedelta(seconds=ANSWERS_WITHIN) + LANDED_AFTER
"""After so long a copy that is still being tried was cut off: a mail server has answered by then, or its process has died."""

ASKED_EVERY: Final = timedelta(minutes=5)
"""How often it is asked what became of a copy that HubSpot has taken."""

TOLD_WITHIN: Final = timedelta(days=1)
"""After so long one of which HubSpot has told nothing else counts as sent: it has taken it."""

_TO_TRY: Final = (EffectState.PLANNED, EffectState.FAILED)
_OVER: Final = (EffectState.DONE, EffectState.SUPERSEDED)
_WAITS: Final = (*_OVER, EffectState.UNPROVEN)  # unless somebody says what came of it

log = structlog.get_logger()


class Letters:
    """Sends what is to be sent of a week's letter. `mailer` None: EMAIL_URL is not set, and nothing is sent."""

    def __init__(self, crm: CRM, store: Store, mailer: Mailer | None, clock: Clock, failpoint: Failpoint) -> None:
        self._crm = crm
        self._store = store
        self._mailer = mailer
        self._clock = clock
        self._failpoint = failpoint

    def send(self, week: date, to: Sequence[str]) -> bool:
        """Send the copies to these addresses that are due by now, and ask after those that were handed over.

        Gives whether nothing is left to be done for any of them. Raises `StoreError`.
        """
        mailer = self._mailer
        if mailer is None:
            return False
        wanted = {address.casefold() for address in to}
        with self._store.read() as connection:
            found = [one for one in letters.copies(connection, week) if one.address.casefold() in wanted]
            due = [one for one in found if self._is_due(one)]
            letter = letters.find(connection, week) if due else None
        if letter is None:
            return len(found) == len(wanted) and all(one.state in _OVER for one in found)
        with batch_of(mailer):
            for copy in due:
                if self._look_after(mailer, copy, letter):
                    break  # the others would only wait for the same
        return False

    def _is_due(self, copy: Copy) -> bool:
        now = self._clock.now()
        if copy.state is EffectState.ATTEMPTING:
            return now - copy.state_at >= CUT_OFF
        return copy.state not in _WAITS and copy.not_before <= now

    def _look_after(self, mailer: Mailer, copy: Copy, letter: Letter) -> bool:
        """Do the next thing for a copy; whether no other can be sent now either."""
        match copy.state:
            case EffectState.SENDING:
                self._ask(copy)
            case EffectState.ATTEMPTING | EffectState.UNKNOWN:
                self._try_again(copy, tries_without_answer(mailer))
            case _:
                return self._try(mailer, copy, letter)
        return False

    def _try(self, mailer: Mailer, copy: Copy, letter: Letter) -> bool:
        self._failpoint("letter claiming")
        with self._store.write() as connection:
            mine = letters.claim(connection, copy.key, _TO_TRY, self._clock.now())
        if not mine:
            return False
        self._failpoint("letter claimed")
        server_down = False
        try:
            name = name_of(copy.key, copy.refusals)
            status_id = mailer.send(name, copy.address, letter.subject, letter.text, letter.html)
            outcome: Outcome = Applied(copy.address) if status_id is None else Taken(copy.address, status_id)
        except (EmailError, EmailUnknownError) as error:
            outcome = outcome_of(error)
            server_down = isinstance(error, EmailError) and error.server_down
        self._failpoint("letter sent")
        _settle(self._store, copy.key, EffectState.ATTEMPTING, outcome, self._clock.now())
        return server_down

    def _try_again(self, copy: Copy, tries: int) -> None:
        """Nobody has told what came of a try: the next one is to come, unless there were enough of them."""
        now = self._clock.now()
        cut_off = copy.state is EffectState.ATTEMPTING
        unanswered = copy.unanswered + cut_off
        state, reason = EffectState.PLANNED, "it may not have been sent"
        if unanswered >= tries:
            state, reason = (
                EffectState.UNPROVEN,
                f"{unanswered} tries, and no answer to any: it may have been sent or not",
            )
        with self._store.write() as connection:
            letters.settle(connection, copy.key, copy.state, state, now, reason=reason, unanswered=cut_off)

    def _ask(self, copy: Copy) -> None:
        """Ask HubSpot what became of a copy that it has taken."""
        now = self._clock.now()
        try:
            fate = self._crm.email_fate(copy.follow or "")
            end, words = fate.end, fate.words
        except CRMError as error:
            end, words = EmailEnd.PENDING, str(error)
        old = now - copy.state_at >= TOLD_WITHIN
        with self._store.write() as connection:
            if end is EmailEnd.REFUSED:
                reason = f"HubSpot had taken it and did not send it: {words}"
                later = now + BLOCKED_AGAIN
                letters.settle(
                    connection, copy.key, copy.state, EffectState.FAILED, now, not_before=later, reason=reason, refused=True
                )  # fmt: skip
            elif end is EmailEnd.SENT or old:
                reason_ = None if end is EmailEnd.SENT else f"HubSpot has taken it, and still says {words}"
                letters.settle(connection, copy.key, copy.state, EffectState.DONE, now, reason=reason_)
            else:
                letters.put_off(connection, copy.key, now + ASKED_EVERY)


def told_late(store: Store, key: str, outcome: Outcome, now: datetime) -> None:
    """The answer has come of a copy that was taken for unknown, unless its outcome was decided meanwhile. Raises `StoreError`."""
    if not isinstance(outcome, Unknown):
        _settle(store, key, EffectState.UNKNOWN, outcome, now)


def _settle(store: Store, key: str, before: EffectState, outcome: Outcome, now: datetime) -> None:
    """Write down what came of a try, unless it was taken for cut off meanwhile."""
    with store.write() as connection:
        match outcome:
            case Applied():
                kept = letters.settle(connection, key, before, EffectState.DONE, now)
            case Taken(_, status_id):
                kept = letters.settle(connection, key, before, EffectState.SENDING, now, follow=status_id)
            case Rejected(message):
                later = now + BLOCKED_AGAIN
                kept = letters.settle(
                    connection, key, before, EffectState.FAILED, now, not_before=later, reason=message, refused=True
                )
            case NotSent(message):
                later = now + TRY_AGAIN
                kept = letters.settle(
                    connection, key, before, EffectState.PLANNED, now, not_before=later, reason=message
                )
            case Unknown(message, within):
                later = now + (within or LANDED_AFTER)
                kept = letters.settle(
                    connection, key, before, EffectState.UNKNOWN, now, not_before=later, reason=message, unanswered=True
                )
    log.info("letter.settled", copy=key, outcome=type(outcome).__name__.lower(), kept=kept)
