"""Each effect of each handoff, when it cannot be done as it should, and what people do meanwhile: a story for each pair.

`STAGES` are stories that lead up to one cause; what comes of it is hit by one of `TROUBLES`, and before that is over people
go on in one of `WAYS`. The oracle and `verify` then judge the CRM's end: nothing doubled, nothing lost, and what must be
bypassed is.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sync.clock import to_ms
from sync.sandbox.process import Process
from tests.simulation.player import NAMES, ZONE
from tests.simulation.script import ACT, FAULT, SWEEP, Item, Script
from tests.simulation.words import (
    APPROVED,
    CREATE_TICKETS,
    DECLINED,
    IMPLEMENT,
    IMPLEMENTED,
    IN_PROGRESS,
    IN_REVIEW,
    KICKOFF,
    NEW,
    PENDING,
    REQUESTED,
    REVISIONS,
    SUBMITTED,
)

DAY = date(2026, 11, 2)
DAYS = 2
MINUTE = 60_000
SETTLED = 4 * MINUTE
"""Longer than a closing version must stand."""

PEOPLE = ("account_manager", "social_ad_specialist", "copywriter", "graphic_designer")

Steps = Sequence[tuple[int, str, Mapping[str, Any]]]
"""Minutes since the step before, an act's name and its values."""


def on(ahead: int) -> str:
    return (DAY + timedelta(days=ahead)).isoformat()


def portfolio(**properties: str) -> tuple[int, str, Mapping[str, Any]]:
    return 1, "set", {"ref": "P0", "properties": properties}


def status(value: str) -> tuple[int, str, Mapping[str, Any]]:
    return portfolio(**{NAMES.status: value})


def ticket(**properties: str) -> tuple[int, str, Mapping[str, Any]]:
    return 1, "set", {"ref": "T0", "properties": properties}


def tick(subject: str, where: str = "P0") -> tuple[int, str, Mapping[str, Any]]:
    return 1, "task", {"on": where, "subject": subject, "do": "COMPLETED"}


MADE = (
    20,
    "create",
    {
        "as": "T0",
        "kind": "ticket",
        "on": ["P0"],
        "properties": {
            "subject": "Deliverable T0", "hs_pipeline": NAMES.pipeline[0], "hs_pipeline_stage": NEW, NAMES.folder: "Set 1",
        },
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Stage:
    """A cause. `before`: what leads up to it; `again`: the same cause once more; `next`: what people do after it.

    `effects`: what comes of it, as the calls by which it is done; `role`: whose it is, where it is somebody's.
    """

    name: str
    ahead: int
    before: Steps
    cause: Steps
    again: Steps
    next: Steps
    effects: tuple[str, ...]
    role: str = ""


WRITE, TICKET_WRITE = f"POST */{NAMES.object_name}/batch/update", "POST */tickets/batch/update"
TASK, CLOSE, EMAIL = "POST */tasks/batch/create", "POST */tasks/batch/update", "POST */single-email/send"

CONFIRMED = (status(REQUESTED), MADE, status(SUBMITTED))
ANNOUNCED = (*CONFIRMED, ticket(hs_pipeline_stage=IN_REVIEW))
ASKED = ticket(**{NAMES.needs_revisions: REVISIONS[2]})
BACK = ticket(hs_pipeline_stage=IN_REVIEW, **{NAMES.copy_approval: "Approved", NAMES.graphic_approval: "Approved"})

STAGES = (
    Stage(
        "1 kickoff", 40, (), (portfolio(**{NAMES.date: on(10)}),),
        (portfolio(**{NAMES.date: on(40)}), portfolio(**{NAMES.date: on(9)})), (status(REQUESTED), tick(KICKOFF)),
        (TASK, EMAIL), "account_manager",
    ),
    Stage(
        "1 leftover", 3, (portfolio(**{NAMES.cadence: "Monthly"}), status(DECLINED)), (portfolio(**{NAMES.date: on(8)}),),
        (portfolio(**{NAMES.date: on(40)}), portfolio(**{NAMES.date: on(9)})), (status(REQUESTED),), (WRITE,),
    ),
    Stage(
        "2a declined", 10, (MADE,), (status(DECLINED),), (status(""), status(DECLINED)), (status(REQUESTED),),
        (WRITE, CLOSE),
    ),
    Stage(
        "3 date arrived", 5, (status(REQUESTED),), (portfolio(**{NAMES.date: on(0)}),),
        (portfolio(**{NAMES.date: on(1)}),), (MADE, status(SUBMITTED), tick(CREATE_TICKETS)), (TASK, EMAIL),
        "social_ad_specialist",
    ),
    Stage(
        "4 ticket", 40, (status(REQUESTED),), ((1, *MADE[1:]),), (ticket(hs_pipeline_stage="2"), ticket(hs_pipeline_stage=NEW)),
        (status(SUBMITTED), ticket(hs_pipeline_stage=IN_REVIEW)), (TASK,), "graphic_designer",
    ),
    Stage(
        "5 set ready", 40, CONFIRMED, (ticket(hs_pipeline_stage=IN_REVIEW),),
        (ticket(hs_pipeline_stage=IN_PROGRESS), ticket(hs_pipeline_stage=IN_REVIEW)), (status(APPROVED),),
        (WRITE, TASK, EMAIL), "account_manager",
    ),
    Stage(
        "6 revisions", 40, ANNOUNCED, (ASKED,), (ticket(**{NAMES.needs_revisions: ""}), ASKED), (BACK,),
        (TICKET_WRITE, TASK), "copywriter",
    ),
    Stage(
        "6 emptied", 40, (*ANNOUNCED, ASKED, (5, *tick("Revise Copy", "T0")[1:]), tick("Revise Graphics", "T0")), (BACK,),
        (ASKED,), (status(APPROVED),), (TICKET_WRITE,),
    ),
    Stage(
        "7 approved", 40, ANNOUNCED, (status(APPROVED),), (status(PENDING), status(APPROVED)), (tick(IMPLEMENT),),
        (TASK, EMAIL), "social_ad_specialist",
    ),
    Stage(
        "8 by task", 40, (*ANNOUNCED, status(APPROVED)), ((5, *tick(IMPLEMENT)[1:]),), (status(APPROVED),),
        (portfolio(**{NAMES.date: on(12)}),), (WRITE, EMAIL), "account_manager",
    ),
    Stage(
        "8 by hand", 40, (*ANNOUNCED, status(APPROVED)), (status(IMPLEMENTED),), (status(IMPLEMENTED),),
        (portfolio(**{NAMES.date: on(12)}),), (WRITE, CLOSE, EMAIL), "account_manager",
    ),
)  # fmt: skip

TROUBLES: Mapping[str, Mapping[str, Any]] = {
    "blocked": {},
    "refused": {"kind": "partial", "share": 1.0, "lasts": 900.0},
    "not sent": {"kind": "refused", "lasts": 900.0},
    "unknown, done": {"kind": "lost", "times": 1},
    "unknown, not done": {"kind": "hang", "times": 1},
}
"""What becomes of the calls by which an effect is done. Blocked: nobody has the role."""

WAYS: Mapping[str, Callable[[Stage], Steps]] = {
    "its cause again": lambda stage: stage.again,
    "the next cause": lambda stage: stage.next,
    "a closing": lambda _: (status(IMPLEMENTED),),
    "a decline": lambda _: (status(DECLINED),),
    "the person named at last": lambda _: (),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One story. `call`: the effect's, as the sandbox's faults name it; empty where the trouble is that nobody has the role."""

    stage: Stage
    trouble: str
    call: str
    way: str

    def __str__(self) -> str:
        what = self.call.removeprefix("POST */").replace("/batch", "") or self.stage.role
        return f"{self.stage.name}, {what}, {self.trouble}, {self.way}"


def cells() -> Iterator[Cell]:
    for stage in STAGES:
        for trouble in TROUBLES:
            calls = stage.effects if trouble != "blocked" else ("",) * bool(stage.role)
            yield from (Cell(stage, trouble, call, way) for call in calls for way in WAYS)


def script(cell: Cell, process: Process) -> Script:
    """The whole story of a cell, at half past eight of a working day."""
    stage = cell.stage
    start = to_ms(datetime.combine(DAY, time(8, 30), ZONE).astimezone(UTC))
    people = {role: process.owners[role] for role in PEOPLE}
    made = {NAMES.name: "Client A", NAMES.date: on(stage.ahead), NAMES.cadence: "Weekly", **people}
    items = [
        Item(start + 1_000, ACT, "create", {"as": "P0", "kind": "portfolio", "properties": made}, "account_manager")
    ]
    clock = start + MINUTE

    def go(steps: Steps) -> None:
        nonlocal clock
        for minutes, name, values in steps:
            clock += minutes * MINUTE
            items.append(Item(clock, ACT, name, dict(values), "account_manager"))

    go(stage.before)
    clock += SETTLED + MINUTE
    if cell.trouble == "blocked":
        go([portfolio(**{stage.role: ""})])
        clock += MINUTE
    else:
        items.append(Item(clock, FAULT, values={**TROUBLES[cell.trouble], "endpoint": cell.call}))
    go(stage.cause)
    clock += SETTLED
    go(WAYS[cell.way](stage))
    clock += 2 * SETTLED
    if stage.role:
        person = "second_account_manager" if stage.role == "account_manager" else stage.role
        named = process.owners[person if cell.way == "the person named at last" else stage.role]
        go([portfolio(**{stage.role: named})])
    nights = [
        Item(to_ms(datetime.combine(DAY + timedelta(days=n), time(6, 10), ZONE).astimezone(UTC)), SWEEP)
        for n in range(1, DAYS + 1)
    ]
    return Script(seed=0, start=start, days=DAYS, webhooks=True, reaction=0.5, items=(*items, *nights))
