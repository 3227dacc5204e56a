"""Each portfolio as its last pass found it: so that whoever asks where the clients stand need not ask the CRM.

Every pass writes it down where it has changed. Whose turn it is stands in `waits`; what an admin has to do, in the work
queue and the ledger.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, or_, select

from mappings.names import as_seen
from mappings.vocabulary import Role, Step
from sync.clock import from_ms, to_ms
from sync.crm import Kind, RecordRef
from sync.storage import portfolio_details
from sync.storage.database import in_parts, to_json
from sync.storage.forgetting import forget_portfolios
from sync.storage.lists import is_among
from sync.storage.tables import portfolios
from sync.storage.upsert import upsert


@dataclass(frozen=True, slots=True)
class AdSetCount:
    """An Ad Set, or (with the name '') the open tickets that are in none: how many of its tickets are ready."""

    name: str
    ready: int
    of: int

    def as_json(self) -> dict[str, object]:
        return {"name": self.name, "ready": self.ready, "of": self.of}


@dataclass(frozen=True, slots=True)
class KeptPortfolio:
    """A portfolio as a pass found it. `history` names the versions that were seen: another text, other versions."""

    id: str
    name: str
    url: str
    inside: bool  # the mapping's condition takes it in
    status: str  # as people see it; '' where it is empty
    refresh_date: date | None
    step: Step
    cycle_began: datetime | None  # None: the first cycle that is known
    people: Mapping[Role, str]  # who does the work of each role, by name; a role that nobody does is left out
    ad_sets: tuple[AdSetCount, ...]
    problems: tuple[str, ...]
    vanished: tuple[str, ...]  # those of the problems that are people who have left
    history: str
    unlisted: tuple[str, ...] = ()  # those of the problems that are values which can no longer be chosen

    @property
    def ref(self) -> RecordRef:
        return RecordRef(Kind.PORTFOLIO, self.id)


_OF = select(portfolios).where(is_among(portfolios.c.portfolio, "ids"))
_ALL = select(portfolios).where(portfolios.c.inside == 1)
_WITH_WHAT_VANISHED = _ALL.where(portfolios.c.vanished != "")
_KNOWN = select(portfolios.c.portfolio)
_LEFT_OUT = select(portfolios.c.portfolio).where(portfolios.c.inside == 0)
_NAMES = select(portfolios.c.portfolio, portfolios.c.name).where(is_among(portfolios.c.portfolio, "ids"))
_DATED = _ALL.where(portfolios.c.refresh_date.between(bindparam("first"), bindparam("last"))).order_by(
    portfolios.c.refresh_date, portfolios.c.search_name, portfolios.c.portfolio
)
_BY_STEP = select(portfolios.c.step, func.count()).where(portfolios.c.inside == 1).group_by(portfolios.c.step)
_NEAR = select(portfolios.c.portfolio).where(
    or_(portfolios.c.status != "", portfolios.c.refresh_date <= bindparam("last_day"))
)
_REMEMBER = upsert(portfolios)
_FORGOTTEN = portfolios.delete().where(portfolios.c.portfolio == bindparam("gone"))


def remember(connection: Connection, found: Collection[KeptPortfolio], now: datetime) -> set[str]:
    """Keep these as they were found now; the ids of those whose versions are others than before."""
    known: dict[str, Row[Any]] = {}
    for part in in_parts(sorted(one.id for one in found)):
        known.update({row.portfolio: row for row in connection.execute(_OF, {"ids": part})})
    rows = [row for one in sorted(found, key=lambda one: one.id) if _differs(row := _row(one), known.get(one.id))]
    if rows:
        connection.execute(_REMEMBER, [{**row, "changed_at": to_ms(now)} for row in rows])
    return {one.id for one in found if one.id not in known or known[one.id].history != one.history}


def _differs(row: Mapping[str, Any], known: Row[Any] | None) -> bool:
    return known is None or any(known._mapping[name] != value for name, value in row.items())


def forget(connection: Connection, records: Iterable[RecordRef]) -> None:
    """Record that these are gone. Tickets have no row, and are passed over."""
    portfolio_details.forget(connection, forget_portfolios(connection, _FORGOTTEN, records))


def known(connection: Connection) -> set[RecordRef]:
    """List every portfolio that a pass has found, those that the mapping's condition leaves out among them."""
    return {RecordRef(Kind.PORTFOLIO, portfolio) for portfolio in connection.scalars(_KNOWN)}


def left_out(connection: Connection) -> set[RecordRef]:
    """List the portfolios that the mapping's condition left out when a pass last found them."""
    return {RecordRef(Kind.PORTFOLIO, portfolio) for portfolio in connection.scalars(_LEFT_OUT)}


def of(connection: Connection, ids: Collection[str]) -> list[KeptPortfolio]:
    """Read these portfolios, as far as a pass has found them and the mapping's condition takes them in, in no order."""
    rows = (row for part in in_parts(sorted(ids)) for row in connection.execute(_OF, {"ids": part}))
    return [_kept(row) for row in rows if row.inside]


def with_vanished(connection: Connection) -> list[KeptPortfolio]:
    """Read those that name somebody who has left, by name; those alone that the mapping's condition takes in."""
    return [one for one in _with_what_vanished(connection) if one.vanished]


def with_unlisted(connection: Connection) -> list[KeptPortfolio]:
    """Read those with a value that can no longer be chosen, as `with_vanished`."""
    return [one for one in _with_what_vanished(connection) if one.unlisted]


def _with_what_vanished(connection: Connection) -> list[KeptPortfolio]:
    return sorted(map(_kept, connection.execute(_WITH_WHAT_VANISHED)), key=lambda one: (one.name.casefold(), one.id))


def worked_on_by(connection: Connection, names: Iterable[str]) -> set[RecordRef]:
    """List those for which one of these people does the work of a role."""
    found: set[RecordRef] = set()
    for name in names:
        named = json.dumps(name, ensure_ascii=False)  # as `to_json` has it
        of_them = select(portfolios.c.portfolio).where(portfolios.c.people.contains(named, autoescape=True))
        found |= {RecordRef(Kind.PORTFOLIO, one) for one in connection.scalars(of_them)}
    return found


def near(connection: Connection, last_day: date) -> set[RecordRef]:
    """List those in mid-cycle, or whose Refresh Date is on that day or before it, as their last pass found them."""
    found = connection.scalars(_NEAR, {"last_day": last_day.isoformat()})
    return {RecordRef(Kind.PORTFOLIO, portfolio) for portfolio in found}


def find(connection: Connection) -> list[KeptPortfolio]:
    """Read every portfolio that the mapping's condition takes in, in no order."""
    return [_kept(row) for row in connection.execute(_ALL)]


def dated(connection: Connection, first: date, last: date) -> list[KeptPortfolio]:
    """Read those whose Refresh Date is on one of these days, by date and name; those alone that the condition takes in."""
    days = {"first": first.isoformat(), "last": last.isoformat()}
    return [_kept(row) for row in connection.execute(_DATED, days)]


def by_step(connection: Connection) -> dict[Step, int]:
    """Count those that the mapping's condition takes in by their step."""
    return {Step(step): int(number) for step, number in connection.execute(_BY_STEP)}


def names(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """Read what each of these portfolios is called, by id; one that no pass has found is left out."""
    rows = (row for part in in_parts(sorted(ids)) for row in connection.execute(_NAMES, {"ids": part}))
    return {row.portfolio: row.name for row in rows}


def called(part: str) -> Select[tuple[str]]:
    """Build the question for the ids of the portfolios that have this in their name, as a person sees it."""
    return select(portfolios.c.portfolio).where(portfolios.c.search_name.contains(as_seen(part), autoescape=True))


def count(connection: Connection, part: str) -> int:
    """How many portfolios the mapping's condition takes in that have this in their name, or as their id."""
    meant = or_(portfolios.c.portfolio == part, portfolios.c.search_name.contains(as_seen(part), autoescape=True))
    question = select(func.count()).select_from(portfolios).where(portfolios.c.inside == 1, meant)
    return int(connection.execute(question).scalar_one())


def _row(one: KeptPortfolio) -> dict[str, Any]:
    return {
        "portfolio": one.id,
        "name": one.name,
        "url": one.url,
        "inside": int(one.inside),
        "status": one.status,
        "refresh_date": None if one.refresh_date is None else one.refresh_date.isoformat(),
        "step": one.step.value,
        "cycle_began": None if one.cycle_began is None else to_ms(one.cycle_began),
        "people": to_json({role.value: name for role, name in one.people.items()}),
        "ad_sets": to_json({"sets": [each.as_json() for each in one.ad_sets]}),
        "problems": to_json({"problems": list(one.problems)}),
        "vanished": _what_vanished(one),
        "history": one.history,
        "search_name": as_seen(one.name),
    }


def _what_vanished(one: KeptPortfolio) -> str:
    found = {"people": list(one.vanished), "values": list(one.unlisted)}
    return to_json({key: each for key, each in found.items() if each}) if any(found.values()) else ""


def _kept(row: Row[Any]) -> KeptPortfolio:
    vanished = json.loads(row.vanished) if row.vanished else {}
    return KeptPortfolio(
        row.portfolio,
        row.name,
        row.url,
        bool(row.inside),
        row.status,
        None if row.refresh_date is None else date.fromisoformat(row.refresh_date),
        Step(row.step),
        None if row.cycle_began is None else from_ms(row.cycle_began),
        {Role(role): name for role, name in json.loads(row.people).items()},
        tuple(AdSetCount(each["name"], each["ready"], each["of"]) for each in json.loads(row.ad_sets)["sets"]),
        tuple(json.loads(row.problems)["problems"]),
        tuple(vanished.get("people", ())),
        row.history,
        tuple(vanished.get("values", ())),
    )
