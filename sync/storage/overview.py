"""Which clients stand where, by the database itself: so that a page of them costs the same however many there are.

It gives ids in order; `sync.observe.clients` makes of them what is shown.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, case, func, or_, select

from mappings.names import as_seen
from mappings.schema import Party
from mappings.vocabulary import Step
from sync.clock import to_ms
from sync.crm import Kind
from sync.rules.model import EffectState, OccurrenceState
from sync.storage.database import to_json
from sync.storage.tables import effects, occurrences, portfolios, waits, work_items

RANKS = ("parked", "failed", "blocked", "held", "stuck", "waiting", "due", "quiet")
"""Who has the next step, the most urgent first: the values of `observe.clients.Standing`, in its order."""

URGENT = RANKS.index("waiting")
"""Ranks below this one want a person's attention: an admin's, or that of somebody who is late."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which clients are meant; every filter that is given must hold.

    `name`: a part of the client's. `person`: by name, who works on it in whatever role. `party`: whose turn it is.
    `month`: of the Refresh Date, as 2026-11.
    """

    name: str = ""
    person: str = ""
    party: Party | None = None
    month: str = ""
    step: Step | None = None
    urgent: bool = False  # only those that want a person's attention


@dataclass(frozen=True, slots=True)
class Column:
    """The clients of one step: how many there are, how many of them are urgent, and the ids of those that are shown."""

    step: Step
    count: int
    urgent: int
    shown: tuple[str, ...]


def columns(connection: Connection, wanted: Wanted, now: datetime, *, at_most: int, skip: int = 0) -> list[Column]:
    """Read each step's clients, the most urgent first, then who waits the longest, then by name; empty steps too.

    Of each step at most `at_most` are shown, those after the first `skip`.
    """
    ranked = _ranked(wanted, now).subquery()
    order = (ranked.c.rank, ranked.c.since, ranked.c.search_name, ranked.c.portfolio)
    of_step: dict[str, Any] = {"partition_by": ranked.c.step}
    placed = select(
        ranked.c.step,
        ranked.c.portfolio,
        func.row_number().over(**of_step, order_by=order).label("place"),
        func.count().over(**of_step).label("number"),
        func.sum(case((ranked.c.rank < URGENT, 1), else_=0)).over(**of_step).label("urgent"),
    ).subquery()
    page = and_(placed.c.place > skip, placed.c.place <= skip + at_most)
    rows = connection.execute(
        select(placed).where(or_(page, placed.c.place == 1)).order_by(placed.c.step, placed.c.place)
    )
    found: dict[str, Column] = {}
    for row in rows:
        before = found.get(row.step) or Column(Step(row.step), int(row.number), int(row.urgent), ())
        shown = (*before.shown, row.portfolio) if row.place > skip else before.shown
        found[row.step] = Column(before.step, before.count, before.urgent, shown)
    steps = [wanted.step] if wanted.step is not None else list(Step)
    return [found.get(step.value) or Column(step, 0, 0, ()) for step in steps]


def urgent(connection: Connection, now: datetime, at_most: int) -> tuple[int, list[str]]:
    """Count the clients that want a person's attention, and give the ids of the first ones, in the order of `columns`."""
    ranked = _ranked(Wanted(urgent=True), now).subquery()
    order = (ranked.c.rank, ranked.c.since, ranked.c.search_name, ranked.c.portfolio)
    count = connection.execute(select(func.count()).select_from(ranked)).scalar_one()
    return int(count), list(connection.scalars(select(ranked.c.portfolio).order_by(*order).limit(at_most)))


def months(connection: Connection) -> list[str]:
    """List the months in which a Refresh Date lies, as 2026-11, in their order."""
    month = func.substr(portfolios.c.refresh_date, 1, 7)
    known = portfolios.c.refresh_date.is_not(None)
    return list(connection.scalars(select(month).where(known, portfolios.c.inside == 1).distinct().order_by(month)))


def people(connection: Connection) -> list[str]:
    """List everybody who works on a client, by name."""
    teams: Iterable[str] = connection.scalars(select(portfolios.c.people).where(portfolios.c.inside == 1).distinct())
    return sorted({str(name) for team in teams for name in json.loads(team).values()}, key=as_seen)


def _ranked(wanted: Wanted, now: datetime) -> Select[Any]:
    """The clients that are wanted, each with its rank (of `RANKS`) and since when it has it."""
    ms = to_ms(now)
    wrong = (
        select(
            occurrences.c.portfolio,
            func.min(case((effects.c.state == EffectState.FAILED.value, 1), else_=2)).label("rank"),
            func.min(effects.c.state_at).label("since"),
        )
        .join(effects, effects.c.occurrence == occurrences.c.key)
        .where(effects.c.state.in_([EffectState.FAILED.value, EffectState.BLOCKED.value]))
        .where(occurrences.c.state != OccurrenceState.GONE.value, occurrences.c.portfolio.is_not(None))
        .group_by(occurrences.c.portfolio)
        .subquery()
    )
    rank = case(
        (work_items.c.parked_at.is_not(None), 0),
        (wrong.c.rank.is_not(None), wrong.c.rank),
        (work_items.c.held_effects.is_not(None), 3),
        (waits.c.stuck_at <= ms, 4),
        (waits.c.portfolio.is_not(None), 5),
        (work_items.c.look_at <= ms, 6),
        else_=7,
    )
    since = func.coalesce(work_items.c.parked_at, wrong.c.since, waits.c.since, ms)
    queued = and_(work_items.c.id == portfolios.c.portfolio, work_items.c.kind == Kind.PORTFOLIO.value)
    found: Select[Any] = (
        select(
            portfolios.c.portfolio,
            portfolios.c.step,
            portfolios.c.search_name,
            rank.label("rank"),
            since.label("since"),
        )
        .outerjoin(work_items, queued)
        .outerjoin(wrong, wrong.c.portfolio == portfolios.c.portfolio)
        .outerjoin(waits, waits.c.portfolio == portfolios.c.portfolio)
        .where(portfolios.c.inside == 1)
    )
    found = _filtered(found, wanted)
    return found.where(rank < URGENT) if wanted.urgent else found


def _filtered(found: Select[Any], wanted: Wanted) -> Select[Any]:
    if part := as_seen(wanted.name):
        found = found.where(portfolios.c.search_name.contains(part, autoescape=True))
    if wanted.person:
        # The names stand in JSON of one form (`to_json`), so that one of them can be found as a text.
        name = to_json({"": wanted.person}).removeprefix('{""').removesuffix("}")
        found = found.where(portfolios.c.people.contains(name, autoescape=True))
    if wanted.party is not None:
        found = found.where(waits.c.party == wanted.party.value)
    if wanted.month:
        found = found.where(portfolios.c.refresh_date.startswith(wanted.month, autoescape=True))
    if wanted.step is not None:
        found = found.where(portfolios.c.step == wanted.step.value)
    return found
