"""Alerts the admin: one email a kind and hour at most, and each standing trouble once.

Some alerts are sent as things happen (`alert(kind, message)`). Other things stand in the database until somebody mends
them: `review` finds those that no alert has named yet. What an hour has no room for is sent in the next one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from sync.clock import Clock
from sync.errors import EmailUnknownError, HandoffsError
from sync.passes.email import TRIES, Mailer
from sync.rules.model import EffectState
from sync.storage import alert_log, faulty_records, letters, raw_deliveries, service_state, work_queue
from sync.storage.database import Connection, Store
from sync.storage.ledger import queries
from sync.storage.service_state import alerted

SUBJECTS: Mapping[str, str] = {
    "parked": "records were parked",
    "blocked": "work waits for a person",
    "failed": "work was refused",
    "incomplete": "records come incomplete",
    "unproven": "emails may have been sent or not",
    "held": "work is held",
    "letter": "the weekly letter did not reach everybody",
    "unreachable": "the CRM cannot be reached",
    "token_refused": "the token is refused",
    "permission_refused": "the app lacks a permission",
    "task_property_missing": "the task property is missing",
    "mapping_misfit": "the mapping does not fit the portal",
    "wrong_portal": "the token is of another portal",
    "put_aside": "a webhook request could not be unpacked",
    "sweep_failed": "the daily sweep fails",
    "sweep_missed": "the daily sweep did not run",
    "unforeseen": "something failed that nobody foresaw",
}
"""Every kind, and what the subject of its email says."""

LISTED = 20
"""So many things are named in one email."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Standing:
    """One kind of what stands until it is mended: how its alert begins and ends, and a line for each, by its key."""

    kind: str
    head: str
    foot: str
    lines: Mapping[str, str]


class Alerts:
    """Call it as `alerts(kind, message)`; the row of kind and hour is the guarantee that there is one email."""

    def __init__(self, store: Store, mailer: Mailer | None, admin: str | None, clock: Clock) -> None:
        self._store = store
        self._mailer = mailer
        self._admin = admin
        self._clock = clock

    def __call__(self, kind: str, message: str) -> None:
        """Alert the admin, unless they were alerted of this kind (one of `SUBJECTS`) within the hour. Raises `StoreError`."""
        self._send(kind, message)

    def review(self) -> None:
        """Alert the admin of what stands so since their last alert of it: parked, blocked, incomplete. Raises `StoreError`."""
        with self._store.read() as connection:
            found = [*_standing(connection), _incomplete(connection, self._clock.now()), _letter(connection)]
            known = service_state.get_each(connection, {one.kind: alerted(one.kind) for one in found})
        for one in found:
            before = known.get(one.kind, frozenset())
            still = before & one.lines.keys()  # what was mended may come again
            fresh = [line for key, line in one.lines.items() if key not in still]
            if fresh and self._send(one.kind, _message(one, fresh)):
                still = frozenset(one.lines)
            if still != before:
                with self._store.write() as connection:
                    service_state.put(connection, alerted(one.kind), still)

    def _send(self, kind: str, message: str) -> bool:
        """Send an alert; whether it was: not if one of this kind was sent within the hour, or if the email could not be."""
        now = self._clock.now()
        with self._store.write() as connection:
            first = alert_log.claim(connection, kind, message, now)
        if not first:
            return False
        log.warning("admin.alert", kind=kind, message=message)
        if self._mailer is None or self._admin is None:
            return True
        subject = f"Creative Refresh handoffs: {SUBJECTS.get(kind, kind)}"
        try:
            self._mailer.send(
                f"alert:{kind}:{alert_log.hour_of(now)}", self._admin, subject, f"{message}\n\n{_LAST_LINE}"
            )
        except EmailUnknownError as error:
            log.warning("admin.alert_unproven", kind=kind, error=str(error))
            return self._counts_as_sent(kind, error)
        except HandoffsError as error:  # a refused token too: the alert may well be about it
            log.warning("admin.alert_not_sent", kind=kind, error=str(error))
            return False
        return True

    def _counts_as_sent(self, kind: str, error: EmailUnknownError) -> bool:
        """Whether an alert that may have come is not sent again: an admin who gets the same every hour reads it no more."""
        entry = service_state.alerts_in_doubt(kind)
        with self._store.write() as connection:
            doubtful = (service_state.get(connection, entry) or 0) + 1
            enough = error.answers_within is not None or doubtful >= TRIES
            service_state.put(connection, entry, 0 if enough else doubtful)
        return enough


_LAST_LINE = "`handoffs status` shows how all of it stands. You get one such email of a kind an hour at most."


def _standing(connection: Connection) -> list[_Standing]:
    parked = {str(one.record): f"{one.record}: {one.reason}" for one in work_queue.parked(connection)}
    told = (EffectState.BLOCKED, EffectState.FAILED, EffectState.UNPROVEN)
    by_state: dict[EffectState, dict[str, str]] = {state: {} for state in told}
    for trouble in queries.troubles(connection):
        if trouble.state in by_state:
            by_state[trouble.state][trouble.key] = f"{trouble.what}, {trouble.where}: {trouble.reason}"
    return [
        _Standing(
            "parked",
            "Looking at these records failed again and again, so they are parked: nothing is done for them.",
            "The next change or sweep looks at them once more. `handoffs dead` lists them, `handoffs dead show` says why.",
            parked,
        ),
        _Standing(
            "put_aside",
            "These webhook requests could not be unpacked, so nothing was looked at for them:",
            "The next poll or sweep finds what they tell of. `handoffs dead` lists them, `handoffs dead show` says why; they "
            "are tried again when the service starts, as after an upgrade.",
            {
                f"delivery {one.id}": f"webhook request {one.id}: {one.reason}"
                for one in raw_deliveries.find_put_aside(connection)
            },
        ),
        _Standing(
            "blocked",
            "These wait for a person, and are done as soon as that is mended:",
            "They are tried again at each look, at least hourly. Nothing is given to somebody else meanwhile.",
            by_state[EffectState.BLOCKED],
        ),
        _Standing(
            "failed",
            "The CRM or the mail server refused these:",
            "Each sweep tries them again. `handoffs dead` lists them; `handoffs dead retry` tries again at once.",
            by_state[EffectState.FAILED],
        ),
        _Standing(
            "unproven",
            "Of these nobody could tell whether they were done, and they are not tried any more:",
            "Find out, then say so: `handoffs dead confirm KEY` if it was done, `handoffs dead retry KEY` to do it (again). "
            "`handoffs dead` lists them with their keys.",
            by_state[EffectState.UNPROVEN],
        ),
    ]


def _incomplete(connection: Connection, now: datetime) -> _Standing:
    """What has come without something that was asked for, each time for a while: an answer that lacks it once is no news."""
    lasting = [one for one in faulty_records.find(connection) if now - one.since >= faulty_records.LATE_FOR]
    return _Standing(
        "incomplete",
        "HubSpot's answers lack something of these records, so nothing is decided on them, nor on what needs them:",
        "Is a property archived, or hidden from the app? Each is looked at again at least hourly, and goes on once it is whole.",
        {f"{one.unit} {one.faulty.record}": _lacking(one) for one in lasting},
    )


def _letter(connection: Connection) -> _Standing:
    """Copies of the newest letter that were refused, or may not have come."""
    newest = letters.weeks(connection, 1)
    copies = [copy for week in newest for copy in letters.copies(connection, week)]
    told = [copy for copy in copies if copy.state in {EffectState.FAILED, EffectState.UNPROVEN}]
    return _Standing(
        "letter",
        "These did not get the weekly letter, or nobody could tell whether they did:",
        "One that was refused is tried again each hour until Friday. Mend `letter.to` in the mapping, or EMAIL_URL, and restart "
        "`handoffs serve`; `handoffs letter` shows it.",
        {copy.key: f"{copy.address}, week of {copy.week}: {copy.reason}" for copy in told},
    )


def _lacking(one: faulty_records.Incomplete) -> str:
    waits = "" if one.unit == one.faulty.record else f" ({one.unit} waits for it)"
    return f"{one.faulty}{waits}"


def _message(one: _Standing, lines: Sequence[str]) -> str:
    listed = [f"- {line}" for line in lines[:LISTED]]
    if len(lines) > LISTED:
        listed.append(f"- and {len(lines) - LISTED:,} more")
    return "\n".join([one.head, "", *listed, "", one.foot])
