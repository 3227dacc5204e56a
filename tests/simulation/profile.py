"""What kind of run a seed gives: how busy, how orderly and how troubled it is, and what kind of portal it meets."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Mode = Literal["plain", "safety", "liveness"]


@dataclass(frozen=True, slots=True)
class Profile:
    """What kind of run a seed gives."""

    portfolios: int
    sessions: float
    """How often a day somebody sits down to work, at half of the portfolios."""
    chaos: float
    """The share of sessions in which nobody follows the process."""
    haste: float
    """The share of sessions in which a person changes their mind within minutes, before anybody may have looked."""
    corner_cases: float
    """The share of sessions in which somebody does what the rules tell apart by a hair."""
    polls: tuple[int, ...]
    """Hours of the day at which a poll is done."""
    sweep_missed: float
    faults: float
    """Spells of faults a day."""
    kills: float
    """Kills a day."""
    lost: bool
    """Whether a kill may take the database with it."""
    merges: float
    """The share of sessions in which somebody makes one record of two."""
    office: bool
    """Whether admins change the mapping time and again."""
    wording: bool
    """Whether admins give statuses, revisions and approvals other values."""
    stages: bool
    """Whether admins replace and rename pipelines and stages."""
    texts: bool
    """Whether admins write the texts anew, and rename properties."""
    inside: float
    """The share of acts that fall into the middle of a pass."""
    mode: dict[str, Any] | None
    """How webhooks travel; None: there are none."""


def has_corner_cases(seed: int) -> bool:
    """Whether the people of this seed do what the rules tell apart by a hair."""
    return seed % 4 == 1


def key_carrier_of(seed: int) -> str:
    """By what the tasks of this seed carry their keys. It is drawn from nothing: the other seeds play as ever."""
    return "body" if seed % 6 == 1 or seed % 24 == 10 else "property"


def has_texts(seed: int) -> bool:
    """Whether admins write the texts anew in mid-life, and rename properties. Drawn from nothing, too."""
    return seed % 12 == 10


def has_office(seed: int) -> bool:
    """Whether admins change the mapping in mid-life: its condition, its cadences, its people. Drawn from nothing, too."""
    return seed % 6 == 5


def has_wording(seed: int) -> bool:
    """Whether admins give statuses, revisions and approvals other values in mid-life. Drawn from nothing, too."""
    return seed % 12 == 8


def has_stages(seed: int) -> bool:
    """Whether admins replace and rename pipelines and stages in mid-life. Drawn from nothing, too."""
    return seed % 12 == 2


def profile_of(rng: random.Random, seed: int, mode: Mode) -> Profile:
    plain = mode == "plain"
    corner_cases = has_corner_cases(seed)
    travel: dict[str, Any] | None = {}
    if not plain:
        travel = rng.choice(
            (
                {},
                {"latency": [0.0, 30.0]},
                {
                    "latency": [0.0, 30.0], "lost": 0.15, "doubled": 0.2, "late": 0.2, "late_seconds": [60.0, 90000.0],
                    "shuffled": True, "rebatched": True, "batch": 20,
                },
                {"latency": [0.0, 600.0], "lost": 0.6, "shuffled": True},
                None,
            )
        )  # fmt: skip
    return Profile(
        portfolios=rng.choice((1, 2, 2, 3, 3, 4)),
        sessions=rng.choice((0.4, 0.7, 1.0)),
        chaos=rng.choice((0.0, 0.1, 0.25, 0.5)),
        haste=0.3 if seed % 2 else 0.0,
        corner_cases=0.5 if corner_cases else 0.0,
        polls=rng.choice(((12,), (17,), (9, 17))) if travel is None else rng.choice(((), (), (13,))),
        sweep_missed=0.0 if plain else rng.choice((0.0, 0.3, 0.6, 0.8)),
        faults=0.0 if plain else rng.choice((0.0, 0.3, 1.0, 2.0)),
        kills=0.0 if plain else rng.choice((0.0, 0.0, 0.3, 1.0)),
        # By which words an old version is read is lost with the ledger (F.2).
        lost=not plain
        and rng.random() < (0.4 if corner_cases else 0.15)
        and not has_wording(seed)
        and not has_stages(seed),
        merges=0.15 if seed % 6 == 3 else 0.0,
        office=has_office(seed),
        wording=has_wording(seed),
        stages=has_stages(seed),
        texts=has_texts(seed),
        inside=0.3 if corner_cases else 0.0 if plain else rng.choice((0.0, 0.0, 0.1)),
        mode=travel,
    )


def quirks(rng: random.Random) -> dict[str, Any]:
    """The behaviours of HubSpot that nobody could confirm, as this portal happens to have them."""
    options: dict[str, Sequence[Any]] = {
        "cleared_reads_as": ("null", "empty"),
        "empty_history": ("list", "absent"),
        "date_values": ("iso", "ms"),
        "history_date_values": ("iso", "ms"),
        "group_missing_ids": (True, False),
        "group_no_associations": (False, True),
        "association_ids": ("number", "string"),
        "cleared_event_value": ("empty", "null", "absent"),
        "association_event_object_id": (False, True),
        "custom_object_webhooks": (True, True, False),
        "creation_sends_property_changes": (True, False),
        "archive_sends_association_events": (False, True),
        "association_touches_modified": (False, True),
        "merge_sends_deletion": (False, True),
        "single_send_repeat": ("ok", "error"),
        "stage_metadata": ("both", "ticketState", "isClosed"),
        "unchanged_write_touches_modified": (False, True),
        "update_partial_failure": ("trace", "always", "never"),
        "create_partial_failure": ("trace", "always", "never"),
        "merge_keeps_primary": (False, True),
        "batch_read_problems": ("207", "200", "left out"),
        "batch_write_problems": ("207", "200", "left out"),
        "no_associations": ("problem", "empty list"),
        "merge_writes_version": (True, False),
    }
    return {name: rng.choice(values) for name, values in options.items() if rng.random() < 0.3}
