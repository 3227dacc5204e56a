"""The weekly letters and their copies: one row a week and address, ever, is the guarantee that each goes out once."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, select, update

from mappings.letter import Letter
from sync.clock import from_ms, iso, to_ms
from sync.rules import keys
from sync.rules.letter import LAST_DAY
from sync.rules.model import EffectState
from sync.storage.lists import is_among
from sync.storage.tables import letter_copies, letters
from sync.storage.upsert import insert_new

TEXT_KEPT = timedelta(weeks=13)
"""How long the text of a letter is kept; who got it when is kept for good."""

_EVER: Final = 2**62

NAMED = "letter:"
"""How the name of a copy begins."""


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy of a week's letter that goes to one address. `not_before`: it is not tried, or asked after, earlier."""

    key: str
    week: date
    address: str
    state: EffectState
    state_at: datetime
    unanswered: int
    refusals: int
    not_before: datetime
    follow: str | None
    reason: str | None

    @property
    def name(self) -> str:
        """What an admin calls it: `letter:ops@agency.example`."""
        return f"{NAMED}{self.address}"

    def as_json(self) -> dict[str, object]:
        return {
            "key": self.key,
            "week": self.week.isoformat(),
            "to": self.address,
            "state": self.state.value,
            "at": iso(self.state_at),
            "reason": self.reason,
        }


_NEW_LETTER = insert_new(letters)
_NEW_COPY = insert_new(letter_copies)
_OF_WEEK = letters.c.week == bindparam("of_week")
_LETTER = select(letters).where(_OF_WEEK)
_COPIES = select(letter_copies).where(letter_copies.c.week == bindparam("of_week")).order_by(letter_copies.c.key)
_WEEKS = select(letters.c.week).order_by(letters.c.week.desc()).limit(bindparam("at_most"))
_EMPTY = update(letters).where(letters.c.made_at < bindparam("before"), letters.c.html != "").values(text="", html="")
_OF_KEY = letter_copies.c.key == bindparam("of_key")
_CLAIM = (
    update(letter_copies)
    .where(_OF_KEY, is_among(letter_copies.c.state, "states"), letter_copies.c.not_before <= bindparam("now"))
    .values(state=EffectState.ATTEMPTING.value, state_at=bindparam("now"))
)
_SETTLE = (
    update(letter_copies)
    .where(_OF_KEY, letter_copies.c.state == bindparam("from_state"))
    .values(
        state=bindparam("to_state"),
        state_at=bindparam("now"),
        unanswered=letter_copies.c.unanswered + bindparam("more_unanswered"),
        refusals=letter_copies.c.refusals + bindparam("more_refusals"),
        not_before=bindparam("later"),
        follow=bindparam("status_id"),
        reason=bindparam("because"),
    )
)


_DECIDED = (
    update(letter_copies)
    .where(_OF_KEY, letter_copies.c.state == bindparam("from_state"))
    .values(
        state=bindparam("to_state"),
        state_at=bindparam("now"),
        reason=bindparam("because"),
        unanswered=0,
        refusals=letter_copies.c.refusals + bindparam("anew"),
        not_before=bindparam("now"),
        follow=None,
    )
)
_PUT_OFF = update(letter_copies).where(_OF_KEY).values(not_before=bindparam("later"))


def keep(connection: Connection, week: date, letter: Letter, to: Iterable[str], now: datetime) -> None:
    """Keep the letter of a week, unless there is one, and a copy for each address that has none yet; the first stands."""
    made = {"subject": letter.subject, "text": letter.text, "html": letter.html}
    connection.execute(_NEW_LETTER, {"week": week.isoformat(), "made_at": to_ms(now), **made})
    for address in to:
        row = {
            "key": keys.letter_copy(week, address),
            "week": week.isoformat(),
            "address": address,
            "state": EffectState.PLANNED.value,
            "state_at": to_ms(now),
            "unanswered": 0,
            "refusals": 0,
            "not_before": to_ms(now),
            "follow": None,
            "reason": None,
        }
        connection.execute(_NEW_COPY, row)
    connection.execute(_EMPTY, {"before": to_ms(now - TEXT_KEPT)})


def find(connection: Connection, week: date) -> Letter | None:
    """Read the letter of a week; None: there is none."""
    row = connection.execute(_LETTER, {"of_week": week.isoformat()}).one_or_none()
    return None if row is None else Letter(row.subject, row.text, row.html)


def copies(connection: Connection, week: date) -> list[Copy]:
    """List the copies of a week's letter, by address."""
    return [_copy(row) for row in connection.execute(_COPIES, {"of_week": week.isoformat()})]


def _copy(row: Row[Any]) -> Copy:
    return Copy(
        row.key,
        date.fromisoformat(row.week),
        row.address,
        EffectState(row.state),
        from_ms(row.state_at),
        row.unanswered,
        row.refusals,
        from_ms(row.not_before),
        row.follow,
        row.reason,
    )


def weeks(connection: Connection, at_most: int) -> list[date]:
    """List the weeks that have a letter, the newest first."""
    return [date.fromisoformat(week) for week in connection.scalars(_WEEKS, {"at_most": at_most})]


def dead(connection: Connection, today: date) -> list[Copy]:
    """List the newest letter's copies that were refused, or of which nobody can tell whether they were sent, by address.

    None is listed once its week's time is over: it is not sent any more.
    """
    newest = [week for week in weeks(connection, 1) if today <= week + timedelta(days=LAST_DAY)]
    found = [one for week in newest for one in copies(connection, week)]
    return [one for one in found if one.state in {EffectState.FAILED, EffectState.UNPROVEN}]


_BETWEEN = (
    select(letter_copies)
    .where(letter_copies.c.state_at >= bindparam("since"), letter_copies.c.state_at < bindparam("until"))
    .order_by(letter_copies.c.state_at.desc(), letter_copies.c.key)
    .limit(bindparam("at_most"))
)


def between(connection: Connection, since: datetime | None, until: datetime | None, at_most: int | None) -> list[Copy]:
    """List the copies that have been as they are since a moment in this span, newest first; None: no bound."""
    bounds = {"since": 0 if since is None else to_ms(since), "until": _EVER if until is None else to_ms(until)}
    rows = connection.execute(_BETWEEN, {**bounds, "at_most": _EVER if at_most is None else at_most})
    return [_copy(row) for row in rows]


def decide(
    connection: Connection, found: Iterable[Copy], state: EffectState, now: datetime, reason: str | None
) -> None:
    """A person has said of these what is to be: done, not to be sent any more, or sent again (planned).

    What may have been sent is sent again under a new name: whoever has taken the old one would take it for a repeat. One that
    is in another state by now stays as it is.
    """
    for copy in found:
        anew = state is EffectState.PLANNED and copy.state is EffectState.UNPROVEN
        said = {"from_state": copy.state.value, "to_state": state.value, "because": reason, "anew": int(anew)}
        connection.execute(_DECIDED, {"of_key": copy.key, "now": to_ms(now), **said})


def claim(connection: Connection, key: str, states: Collection[EffectState], now: datetime) -> bool:
    """Mark a copy as being tried, if it is in one of these states and due by now; True: whoever asked may send it."""
    wanted = {"of_key": key, "states": [state.value for state in states], "now": to_ms(now)}
    return connection.execute(_CLAIM, wanted).rowcount == 1


def settle(
    connection: Connection,
    key: str,
    before: EffectState,
    state: EffectState,
    now: datetime,
    *,
    not_before: datetime | None = None,
    follow: str | None = None,
    reason: str | None = None,
    unanswered: bool = False,
    refused: bool = False,
) -> bool:
    """Write down what came of a copy that is in the state `before`; False: it is in another by now, and stays as it is.

    `unanswered`: another try whose outcome nobody could tell; `refused`: another one that was refused for good.
    """
    values = {
        "of_key": key,
        "from_state": before.value,
        "to_state": state.value,
        "now": to_ms(now),
        "more_unanswered": int(unanswered),
        "more_refusals": int(refused),
        "later": to_ms(not_before or now),
        "status_id": follow,
        "because": reason,
    }
    return connection.execute(_SETTLE, values).rowcount == 1


def put_off(connection: Connection, key: str, until: datetime) -> None:
    """Ask after a copy at this moment: nothing else of it changes."""
    connection.execute(_PUT_OFF, {"of_key": key, "later": to_ms(until)})
