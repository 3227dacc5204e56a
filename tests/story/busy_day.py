"""One morning on which nearly every handoff is due at once, and what the CRM shows when it is over.

`prepare` brings the portal up to that morning, `act` is what people then do between two looks of the service, and
`end_state` is what the disturbed runs are compared by: ids, moments and their order left out, doubles left in.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from sync.clock import to_ms
from sync.sandbox.delivery import DeliveryMode
from sync.sandbox.people import People, Seen
from sync.storage.tables import effects, occurrences, work_items
from tests.world import World

PAUSED = DeliveryMode(paused=True)

_MOMENT_MS = re.compile(r"\b1[678]\d{11}\b")
_TIME_OF_DAY = re.compile(r"\b\d{1,2}:\d{2}\b")
_VOLATILE = {"hs_lastmodifieddate", "hs_createdate", "createdate", "hs_object_id"}
_WRITTEN = {
    "portfolio": ("creative_refresh_status", "creative_refresh_date"),
    "ticket": ("hs_pipeline_stage", "needs_revisions", "copy_approval", "graphic_approval"),
}


@dataclass(frozen=True)
class Cast:
    """Who plays: portfolios by what becomes of them, and the tickets and task that people touch."""

    arrived: str
    ready: str
    revised: str
    approved: str
    implemented: str
    by_hand: str
    declined: str
    ready_tickets: tuple[str, str]
    revised_ticket: str
    back_ticket: str
    implement_task: str


def prepare(world: World) -> Cast:
    """Everything up to that morning, undisturbed."""
    people, day = world.people, world.day

    def portfolio(name: str, ahead: int, status: str = "", cadence: str = "") -> str:
        link = f"https://lab.example/{name}"
        return people.create_portfolio(name, day(ahead), status=status, cadence=cadence, link=link)

    ready, revised = (portfolio(name, 5) for name in ("ready", "revised"))
    approved, implemented, by_hand = (portfolio(name, 3) for name in ("approved", "implemented", "by hand"))
    declined = portfolio("declined", 1, cadence="Weekly")
    world.work()
    world.minutes(5)
    for one in (ready, revised):
        people.set_status(one, "Deliverables Submitted")
    tickets = [people.create_ticket(f"ready {n}", "Autumn", ready) for n in (1, 2)]
    revised_ticket = people.create_ticket("to revise", "Winter", revised, copy_approval="Approved")
    back_ticket = people.create_ticket("revised", portfolios=revised)
    for one in (implemented, by_hand):
        people.set_status(one, "Creatives Completed & Approved")
    world.minutes(5)
    people.request_revisions(back_ticket, "Copy Revisions Only", note="Warmer, please")
    world.minutes(5)
    task = next(t for t in world.tasks(("portfolio", implemented)) if "implement" in t.key)
    arrived = portfolio("arrived", 40)
    world.minutes(5)
    return Cast(
        arrived, ready, revised, approved, implemented, by_hand, declined,
        (tickets[0], tickets[1]), revised_ticket, back_ticket, task.id,
    )  # fmt: skip


def act(world: World, cast: Cast) -> None:
    """What people do before the service looks again; its webhooks are on their way when this returns."""
    people = world.people
    mode = world.sandbox.delivery.mode
    world.sandbox.delivery.mode = PAUSED
    people.note("portfolio", cast.arrived, "Two videos and five statics.")
    people.set_refresh_date(cast.arrived, world.day(0))
    people.create_ticket("new", "Summer", cast.revised)
    for ticket in cast.ready_tickets:
        people.move_ticket(ticket, "Pending Approval")
    people.note("ticket", cast.revised_ticket, "Shorter, please.")
    people.request_revisions(cast.revised_ticket, "Copy and Graphic Revisions", note="Warmer, please")
    people.set_status(cast.approved, "Creatives Completed & Approved")
    people.complete_task(cast.implement_task)
    people.set_status(cast.by_hand, "Creatives Implemented")
    people.set_status(cast.declined, "No Refresh Requested")
    world.clock.advance(timedelta(seconds=30))
    people.move_ticket(cast.back_ticket, "Pending Approval")
    world.clock.advance(timedelta(seconds=30))
    people.flush_search()
    world.sandbox.delivery.mode = mode


def calm_down(world: World, rounds: int = 6) -> None:
    """Let so much time pass that whatever was left open has been looked at again."""
    for _ in range(rounds):
        world.minutes(2)


def end_state(world: World) -> dict[str, Any]:
    """What the CRM, the mailboxes and the ledger hold, comparable between two runs."""
    people = world.people
    names = {("portfolio", p.id): p["name"] for p in people.portfolios()}
    names |= {("ticket", t.id): t["subject"] for t in people.list("ticket")}
    return {
        "records": {
            name: _record(people, kind, record) for (kind, record), name in names.items()
        },
        "tasks": sorted(
            (
                _timeless(task.key), task.subject, task.owner, task.status, _timeless(task.body),
                ", ".join(sorted(names[kind, i] for kind, ids in task.associations.items() for i in ids)),
            )
            for task in people.all_tasks()
        ),
        "emails": sorted(
            (mail.to, str(mail.properties["subject"]), _timeless(str(mail.properties["body"])))
            for mail in people.emails()
        ),
        "effects": ledger_states(world),
    }  # fmt: skip


def ledger_states(world: World) -> Mapping[tuple[str, str, str], int]:
    """How many effects of each handoff and slot the ledger holds in each state."""
    with world.service.store.read() as connection:
        rows = connection.execute(
            select(occurrences.c.handoff, effects.c.kind, effects.c.state).join(
                occurrences, effects.c.occurrence == occurrences.c.key
            )
        )
        return Counter((row.handoff, row.kind, row.state) for row in rows)


def unsettled(world: World) -> list[str]:
    """Effects that are still to be done or not known, and records that are due, parked, held or failing."""
    now = to_ms(world.clock.now())
    with world.service.store.read() as connection:
        open_ones = [
            f"{row.key} {row.state}: {row.reason}"
            for row in connection.execute(
                select(effects)
                .join(occurrences, effects.c.occurrence == occurrences.c.key)
                .where(effects.c.state.in_(["planned", "attempting", "unknown", "failed", "blocked"]))
                .where(occurrences.c.state == "open")
            )
        ]
        rows = [
            f"{row.kind} {row.id} look_at={row.look_at - now} {row.error}"
            for row in connection.execute(select(work_items))
            if row.look_at <= now or row.parked_at or row.held_effects is not None or row.error
        ]
    return open_ones + rows


def _record(people: People, kind: str, record: str) -> dict[str, Any]:
    seen: Seen = people.read(kind, record)
    values = {name: value for name, value in seen.properties.items() if name not in _VOLATILE}
    history = {name: [v.value for v in people.history(kind, record, name)] for name in _WRITTEN[kind]}
    return {"values": values, "history": history}


def _timeless(text: str) -> str:
    return _TIME_OF_DAY.sub("<time>", _MOMENT_MS.sub("<ms>", text))


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Line by line, what one end state has more or less than another."""
    lines = [Counter(_lines(state)) for state in (found, wanted)]
    more, less = lines[0] - lines[1], lines[1] - lines[0]
    return [f"+{n} {line}" for line, n in sorted(more.items())] + [f"-{n} {line}" for line, n in sorted(less.items())]


def _lines(state: Mapping[str, Any]) -> list[str]:
    records = [f"{name}: {what} {value}" for name, kinds in state["records"].items() for what, values in kinds.items()
               for value in values.items()]  # fmt: skip
    effects_ = [f"{what}: {number}" for what, number in state["effects"].items()]
    return records + [str(one) for one in (*state["tasks"], *state["emails"])] + effects_
