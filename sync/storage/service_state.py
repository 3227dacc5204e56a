"""What the service remembers of itself: one value a name, each with its type.

    >>> last = service_state.get(connection, service_state.LAST_POLL)     # datetime | None
    >>> service_state.put(connection, service_state.LAST_POLL, clock.now())

Every value is an `Entry` of this module, so that a wrong name or type is an error of the type checker. A moment is kept
in milliseconds since the epoch.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, bindparam, select

from sync.clock import from_ms, to_ms
from sync.crm import Kind
from sync.storage.database import StoreReader, to_json
from sync.storage.lists import is_among
from sync.storage.tables import service_state
from sync.storage.upsert import upsert

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry(Generic[T]):
    """One value: its name in the database, and how it is written there and read back."""

    name: str
    encode: Callable[[T], str]
    decode: Callable[[str], T]


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """A limit of the CRM's, as its answers name it: at most so many requests in any window of `seconds`."""

    requests: int
    seconds: float


@dataclass(frozen=True, slots=True)
class DailyBudget:
    """What the CRM said is left of the account's day, and when it said so."""

    remaining: int
    at: datetime


@dataclass(frozen=True, slots=True)
class SweptParts:
    """The parts of a day's sweep that are done, by their names."""

    day: date
    parts: frozenset[str]


def _moment(name: str) -> Entry[datetime]:
    return Entry(name, lambda moment: str(to_ms(moment)), lambda text: from_ms(int(text)))


def _refusal(name: str) -> "Entry[str | None]":
    return Entry(name, lambda reason: reason or "", lambda text: None if text in {"", "0"} else text)


def _limits(text: str) -> dict[str, RequestLimit]:
    return {name: RequestLimit(one["requests"], one["seconds"]) for name, one in json.loads(text).items()}


def _limits_text(limits: Mapping[str, RequestLimit]) -> str:
    return to_json({name: {"requests": one.requests, "seconds": one.seconds} for name, one in limits.items()})


def _daily(text: str) -> DailyBudget:
    found = json.loads(text)
    return DailyBudget(found["remaining"], from_ms(found["at"]))


def _daily_text(daily: DailyBudget) -> str:
    return to_json({"remaining": daily.remaining, "at": to_ms(daily.at)})


# -- its beginnings

LEDGER_BEGAN = _moment("born")
"""When this database's ledger began: at the first start on an empty database, or when a copy of it was put back. What was
done before that it may not know."""

LEDGER_BEGAN_THERE = _moment("born_there")
"""The same moment by the CRM's clock; not kept where an earlier release began, or until the CRM has told its time."""

GO_LIVE = _moment("go_live")
"""When the service went live, by the CRM's clock: causes older than this do nothing by themselves."""

SETTLES_SINCE = _moment("settles_since")
"""Since when closing versions have had to stand for a settle time before they count: what was replaced before that was
judged without one. The beginning of time for a database that no earlier release has used."""

BY_OUR_CLOCK: Entry[frozenset[str]] = Entry(
    "by_our_clock", lambda names: " ".join(sorted(names)), lambda text: frozenset(text.split())
)
"""Which of the beginnings (names of entries) are still as our own clock told them: nobody has asked the CRM since."""

COPIED_AT = _moment("copied")
"""Set in a copy of the database: when it was made. What was done since it takes for undone."""

MOVED_TO: Entry[str] = Entry("moved_to", str, str)
"""Set beside it in a database that was copied as a whole into another one: its address, without a password."""

RECOVERED: Entry[int] = Entry("recovered", str, int)
"""How many tasks were taken back from the CRM into an empty ledger. Until it is set no pass may begin."""

RECOVERED_FOR_GOOD: Entry[bool] = Entry("recovered_for_good", lambda flag: str(int(flag)), lambda text: text == "1")
"""Set once the CRM was asked when its search showed everything from before this ledger; unset only in a copy that is put
back."""

TELLS_OF_NO_ASSOCIATIONS: Entry[bool] = Entry("tells_of_none", lambda flag: str(int(flag)), lambda text: text == "1")
"""Set once the portal was seen to say of a record that it has no associations: silence means none no more."""

RECOVERY_TRIED = _moment("recovery_tried")
"""When the CRM was last asked that, and did not answer."""

OF_THE_RECOVERY: tuple[Entry[Any], ...] = (RECOVERED, RECOVERED_FOR_GOOD, RECOVERY_TRIED)
"""What is known of how the CRM was asked: a copy that is put back knows nothing of it."""

# -- its rounds

STARTED_AT = _moment("started_at")
"""When a worker last started."""

LAST_SWEEP = _moment("last_sweep")
"""When the last daily sweep was done, by the timer or by hand."""

SWEPT_PARTS: Entry[SweptParts] = Entry(
    "swept_parts",
    lambda it: to_json({"day": it.day.isoformat(), "parts": sorted(it.parts)}),
    lambda text: SweptParts(date.fromisoformat(json.loads(text)["day"]), frozenset(json.loads(text)["parts"])),
)
"""What is done of the last day's sweep, where a part of it fails."""


@dataclass(frozen=True, slots=True)
class Swept:
    """How far a sweep has asked: the next one asks for what has come since."""

    to: datetime  # by the CRM's clock: every change before this was asked for
    window_to: date  # every Refresh Date up to this day was
    all_at: datetime  # when the whole window was last asked for, whatever had changed
    decided_by: str  # a mark of mapping, pipeline, release and ledger: with another one all is asked for


def _swept_text(swept: Swept) -> str:
    return to_json(
        {
            "to": to_ms(swept.to),
            "window_to": swept.window_to.isoformat(),
            "all_at": to_ms(swept.all_at),
            "decided_by": swept.decided_by,
        }
    )


def _swept(text: str) -> Swept:
    found = json.loads(text)
    return Swept(
        from_ms(found["to"]), date.fromisoformat(found["window_to"]), from_ms(found["all_at"]), found["decided_by"]
    )


SWEPT = Entry("swept", _swept_text, _swept)
"""How far the last sweep of a day has asked."""

LAST_PRUNED = _moment("last_pruned")
"""When the service last removed old deliveries."""

LAST_POLL = _moment("last_poll")
"""When the last poll ended."""

POLLED_TO = _moment("polled_to")
"""Until when the poll has found every change, of whatever kind, by the CRM's clock: the earliest cursor of all kinds."""


def polled_to(kind: Kind) -> Entry[datetime]:
    """Name the entry that holds the poll's cursor for one kind of records: the next poll asks for what changed since.

    When the last search for them began that came to its end, by the CRM's clock.
    """
    return _moment(f"polled_to_{kind.value}")


CLOCK_AHEAD: Entry[timedelta] = Entry(
    "clock_ahead", lambda it: str(it // timedelta(milliseconds=1)), lambda text: timedelta(milliseconds=int(text))
)
"""How far this machine's clock was ahead of the CRM's at the last poll; negative: behind it. The CRM tells whole seconds."""

LAST_WEBHOOK = _moment("last_webhook")
"""When the last genuine webhook with an event came, of those that are unpacked (`inbox.last_webhook` knows the others)."""

DUPLICATE_EVENTS: Entry[int] = Entry("duplicate_events", str, int)
"""How many events of webhooks had been stored before: they enqueued nothing."""

PROBED_AT = _moment("probed_at")
"""When the receiver last made sure that the database takes what is written: a read says nothing of a full disk."""

LANES: Entry[int] = Entry("lanes", str, int)
"""How many lanes there are (`LANES`): changed only while no pass runs."""

RESERVED: Entry[dict[int, int]] = Entry(
    "reserved",
    lambda taken: to_json({str(lane): effects for lane, effects in taken.items()}),
    lambda text: {int(lane): effects for lane, effects in json.loads(text).items()},
)
"""How many effects the pass of each lane is about to begin: they count for the breaker of the other lanes."""

# -- why it cannot work

TOKEN_REFUSED = _refusal("token_refused")
"""The CRM does not accept the token: its words. None: it does."""

PERMISSION_REFUSED = _refusal("permission_refused")
"""The app of the token may not do what one kind of call does: which call, and what it lacks. None: it may do everything."""

TASK_PROPERTY_MISSING = _refusal("task_property_missing")
"""The portal lacks the property that carries a task's key: the error's words. None: it has it."""

MAPPING_MISFIT = _refusal("mapping_misfit")
"""The mapping does not fit the portal: the error's words. None: it does."""

WRONG_PORTAL = _refusal("wrong_portal")
"""The token is another portal's than this database's: the error's words. None: it is this one's."""

REFUSALS = (TOKEN_REFUSED, PERMISSION_REFUSED, TASK_PROPERTY_MISSING, MAPPING_MISFIT, WRONG_PORTAL)
"""Why no pass can run at all, or no poll or sweep; a worker that finds one mended sets it to None."""


@dataclass(frozen=True, slots=True)
class Failing:
    """A chore of the worker's that fails: since when without a success, how often, and with what last.

    `storage`: it is the database, or what lies beside it, that fails; nothing is done without that.
    """

    since: datetime
    times: int
    error: str
    storage: bool


def _failing_text(failing: Failing | None) -> str:
    if failing is None:
        return ""
    return to_json(
        {
            "since": to_ms(failing.since),
            "times": failing.times,
            "error": failing.error,
            "storage": failing.storage,
        }
    )


def _failing(text: str) -> Failing | None:
    if not text:
        return None
    found = json.loads(text)
    return Failing(from_ms(found["since"]), found["times"], found["error"], found["storage"])


def failing(chore: str) -> "Entry[Failing | None]":
    """Name the entry that holds how a chore (one of `CHORES`) fails; None: its last try succeeded."""
    return Entry(f"failing_{chore}", _failing_text, _failing)


CHORES = (
    "start",
    "daily sweep",
    "poll",
    "work queue",
    "reading of people and properties",
    "note that all works",
    "review of alerts",
    "writing of the weekly letter",
    "sending of the weekly letter",
    "note of the requests used",
    "removal of old deliveries",
)
"""What a worker does again and again."""

# -- what it knows of the portal

PORTAL: Entry[str] = Entry("portal", str, str)
"""The id of the portal that this database belongs to; set once, at the first look at it."""

PORTFOLIO_TYPE_ID: Entry[str] = Entry("portfolio_type_id", str, str)
"""The object type id of the portfolio (`2-…`), which a running service leaves for the receiver."""

REQUEST_LIMITS: Entry[Mapping[str, RequestLimit]] = Entry("budget_limit", _limits_text, _limits)
"""The portal's own request limits as answers have named them, by bucket (`general`, `search`)."""

DAILY_BUDGET = Entry("budget_daily", _daily_text, _daily)
"""What is left of the account's requests of the day."""

WORKS_HERE: Entry[Mapping[str, str]] = Entry("works_here", to_json, json.loads)
"""The name of every active owner by id, as the last poll knew them."""

STAND_INS_GONE: Entry[Sequence[str]] = Entry(
    "stand_ins_gone", lambda it: to_json({"gone": list(it)}), lambda text: tuple(json.loads(text)["gone"])
)
"""The mapping's stand-ins who do not work here: a sentence each."""

# -- what the admin knows


def alerted(kind: str) -> Entry[frozenset[str]]:
    """Name the entry that holds which lasting troubles of this kind (`parked`, `blocked`, `failed`) the admin knows.

    A trouble is named by its record (`portfolio 1001`) or its effect's key.
    """
    return Entry(f"told_{kind}", lambda keys: json.dumps(sorted(keys)), lambda text: frozenset(json.loads(text)))


def alerts_in_doubt(kind: str) -> Entry[int]:
    """Name the entry that counts the alerts of this kind in a row of which nobody can tell whether they were sent."""
    return Entry(f"in_doubt_{kind}", str, int)


# -- reading and writing

_READ = select(service_state.c.value).where(service_state.c.name == bindparam("wanted"))
_READ_SEVERAL = select(service_state).where(is_among(service_state.c.name, "wanted"))
_WRITE = upsert(service_state)
_REMOVE = service_state.delete().where(service_state.c.name == bindparam("unwanted"))


def get(connection: Connection, entry: Entry[T]) -> T | None:
    """Read one value; None where it was never set."""
    text: Any = connection.execute(_READ, {"wanted": entry.name}).scalar_one_or_none()
    return None if text is None else entry.decode(text)


def get_each(connection: Connection, entries: Mapping[str, Entry[T]]) -> dict[str, T]:
    """Read several values at once, each under the name that it has here; those that were never set are left out."""
    rows = connection.execute(_READ_SEVERAL, {"wanted": [entry.name for entry in entries.values()]})
    texts = {row.name: row.value for row in rows}
    return {mine: entry.decode(texts[entry.name]) for mine, entry in entries.items() if entry.name in texts}


def ledger_began_there(connection: Connection) -> datetime | None:
    """When this ledger began by the CRM's clock, as far as it is known, else by ours; None: it has not begun."""
    return get(connection, LEDGER_BEGAN_THERE) or get(connection, LEDGER_BEGAN)


def put(connection: Connection, entry: Entry[T], value: T) -> None:
    """Set one value."""
    connection.execute(_WRITE, {"name": entry.name, "value": entry.encode(value)})


def remove(connection: Connection, entry: Entry[Any]) -> None:
    """Make it as if it had never been set."""
    connection.execute(_REMOVE, {"unwanted": entry.name})


def is_set_for_good(store: StoreReader, entry: Entry[Any]) -> bool:
    """Whether an entry is set that nobody ever unsets: the database is asked until it is, and then no more."""
    return store.holds_for_good(entry.name, lambda connection: get(connection, entry) is not None)
