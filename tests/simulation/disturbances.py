"""What breaks on a day: faults of the CRM, a receiver that is down, and processes that are killed."""

import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

from sync.clock import to_ms
from sync.sandbox.faults import FaultKind
from sync.sandbox.process import TASK_PROPERTY
from tests.simulation.player import NAMES, ZONE
from tests.simulation.script import ACT, FAULT, KILL, RECEIVER, Item

if TYPE_CHECKING:
    from tests.simulation.author import Author

REFUSALS: tuple[FaultKind, ...] = (
    "429-ten-secondly", "429-secondly", "429-daily", "429-no-policy", "429-bare", "423", "477",
    "500", "502", "503", "504", "521", "523", "524", "refused", "reset", "hang",
)  # fmt: skip
SPOILT: tuple[FaultKind, ...] = ("slow", "truncated", "cut", "lost", "lost-504", "lost-hang", "partial")
LATE: tuple[FaultKind, ...] = ("late", "late-504", "late-hang")

ENDPOINTS = (
    "*",
    "POST */batch/read",
    "POST */search",
    "POST */tasks/batch/create",
    "POST */batch/update",
    "POST */single-email/send",
    "POST */associations/*",
    "GET *",
)
WRITES = ("POST */tasks/batch/create", "POST */batch/update", "POST */single-email/send")


INCOMPLETE: tuple[FaultKind, ...] = ("no-property", "no-history", "no-histories", "no-version", "no-list", "left-out")
READS = ("POST */batch/read", "POST *_portfolios/batch/read", "POST */tickets/batch/read", "POST */tasks/batch/read")

ARCHIVED = (
    ("portfolio", NAMES.status), ("portfolio", NAMES.date), ("portfolio", NAMES.cadence), ("portfolio", "account_manager"),
    ("ticket", NAMES.folder), ("ticket", NAMES.needs_revisions), ("ticket", NAMES.copy_approval), ("task", TASK_PROPERTY),
)  # fmt: skip
"""Properties that an admin may archive by mistake, and restores again."""


def disturbances(author: "Author", today: date) -> Iterator[Item]:
    rng, profile = author.rng, author.profile
    for _ in range(times(rng, profile.faults)):
        at = moment(today, rng.randrange(6, 20), rng.randrange(60))
        if at <= author.clock:
            continue
        if author.profile.mode is not None and rng.random() < 0.15:
            how = rng.choice(("down", "refuses", "silent"))
            yield Item(at, RECEIVER, how, {"lasts": rng.choice((60, 1800, 14_400))})
            continue
        yield Item(at, FAULT, values=_fault(rng))
    for _ in range(times(rng, profile.kills)):
        at = moment(today, rng.randrange(6, 20), rng.randrange(60))
        if at > author.clock:
            values = {"step": rng.randint(1, 120), "down": rng.choice((0, 0, 5, 600, 7200))}
            if profile.lost and rng.random() < 0.2:
                values["lose"] = 1
            yield Item(at, KILL, values=values)


def incomplete_answers(author: "Author", today: date) -> Iterator[Item]:
    """Answers that lack something, and properties that are archived in mid-life.

    From dice of their own, so that everything else of a seed happens as it would without them.
    """
    if not author.profile.faults:
        return
    rng = random.Random(f"incomplete {author.player.script.seed} {today}")
    for _ in range(times(rng, author.profile.faults / 2)):
        at = moment(today, rng.randrange(6, 20), rng.randrange(60))
        if at > author.clock:
            values = _incomplete(rng)
            silent = author.script.quirks.get("batch_read_problems") == "left out"
            if silent and values["kind"] == "left-out":
                # Where none is told by silence, a list of associations that is left out cannot be told from none at all.
                values["endpoint"] = values["endpoint"].replace("POST *", "POST */objects/*")
            yield Item(at, FAULT, values=values)
    if rng.random() < 0.05:
        kind, name = rng.choice(ARCHIVED)
        at = moment(today, rng.randrange(6, 18), rng.randrange(60))
        if at > author.clock:
            yield Item(at, ACT, "property", {"kind": kind, "name": name, "do": "archive"})
            back = at + 1000 * rng.choice((30, 600, 5400))
            yield Item(back, ACT, "property", {"kind": kind, "name": name, "do": "restore"})


def _incomplete(rng: random.Random) -> dict[str, Any]:
    values: dict[str, Any] = {"kind": rng.choice(INCOMPLETE), "endpoint": rng.choice(READS)}
    if values["kind"] == "no-list":
        values["endpoint"] = "POST */associations/*"
    values["share"] = rng.choice((0.1, 0.5, 1.0))
    if rng.random() < 0.5:
        values["lasts"] = rng.choice((20.0, 600.0, 5400.0))
        values["probability"] = rng.choice((0.3, 1.0))
    else:
        values["times"] = rng.randint(1, 6)
    if rng.random() < 0.3:
        values["skip"] = rng.randint(1, 6)
    return values


def _fault(rng: random.Random) -> dict[str, Any]:
    family = rng.random()
    if family < 0.04:
        return {"kind": "401", "lasts": rng.choice((60.0, 3600.0))}
    if family < 0.40:
        values: dict[str, Any] = {"kind": rng.choice(REFUSALS), "endpoint": rng.choice(ENDPOINTS)}
        if rng.random() < 0.3:
            values["lasts"] = rng.choice((30.0, 600.0, 7200.0))
        else:
            values["times"] = rng.randint(1, 8)
        if rng.random() < 0.2:
            values["retry_after"] = rng.choice((1.0, 15.0))
    elif family < 0.75:
        endpoint = rng.choice(WRITES) if rng.random() < 0.7 else rng.choice(ENDPOINTS)
        values = {"kind": rng.choice(SPOILT), "endpoint": endpoint, "times": rng.randint(1, 3)}
        values["delay"] = rng.choice((2.0, 10.0, 40.0))
    else:
        values = {"kind": rng.choice(LATE), "endpoint": rng.choice(WRITES), "times": rng.randint(1, 2)}
        values["delay"] = rng.choice((1.0, 10.0, 45.0))
    if rng.random() < 0.5:
        values["skip"] = rng.randint(1, 6)
    return values


def times(rng: random.Random, average: float) -> int:
    """How often something happens that happens so often on average."""
    whole = int(average)
    return whole + (rng.random() < average - whole)


def moment(day: date, hour: int, minute: int, second: int = 0) -> int:
    return to_ms(datetime.combine(day, time(hour, minute, second), ZONE).astimezone(UTC))
