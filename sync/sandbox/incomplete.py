"""Answers from which something is missing, though the call was carried out (docs/hubspot.md 4.5, 4.7). Pure but for `random`."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, get_args

Json = dict[str, Any]

Missing = Literal["no-property", "no-history", "no-histories", "no-version", "no-list", "left-out"]
"""A property; its history; all histories; a history's newest version; a list of associations; a whole record."""

MISSING: frozenset[str] = frozenset(get_args(Missing))


@dataclass(frozen=True, slots=True)
class Lacks:
    """What an answer lacks: of a share of its objects whose ids match, the properties whose names match; `*`: one of them."""

    missing: str
    share: float
    name: str
    record: str


def leave_out(body: bytes, lacks: Lacks, draws: random.Random) -> bytes:
    """Take something out of an answer, of one object at least; an answer in which it is not stays as it is."""
    missing = lacks.missing
    answer = json.loads(body) if body else None
    if not isinstance(answer, dict):
        return body
    results = answer.get("results")
    alone = not isinstance(results, list)
    objects: list[Json] = [answer] if alone else [one for one in results or [] if isinstance(one, dict)]
    able = [one for one in objects if _has(one, missing) and fnmatchcase(_id(one), lacks.record)]
    if not able or (alone and missing == "left-out"):
        return body
    victims = draws.sample(able, max(1, round(len(able) * lacks.share)))
    if missing == "left-out":
        answer["results"] = [one for one in objects if not any(one is victim for victim in victims)]
    else:
        for victim in victims:
            _TAKE[missing](victim, lacks.name, draws)
    return json.dumps(answer).encode()


def _id(raw: Json) -> str:
    """Whose it is: a record's own, or that of an association's near end."""
    near = raw.get("from")
    return str(raw.get("id") or (near.get("id") if isinstance(near, dict) else ""))


def _has(raw: Json, missing: str) -> bool:
    match missing:
        case "no-property":
            return bool(raw.get("properties"))
        case "no-history" | "no-histories" | "no-version":
            return "propertiesWithHistory" in raw
        case "no-list":
            return "to" in raw
    return True


def _names(among: Json, name: str, draws: random.Random) -> list[str]:
    found = sorted(one for one in among if fnmatchcase(one, name))
    return [draws.choice(found)] if name == "*" and found else found


def _no_property(raw: Json, name: str, draws: random.Random) -> None:
    for one in _names(raw["properties"], name, draws):
        del raw["properties"][one]
        raw.get("propertiesWithHistory", {}).pop(one, None)


def _no_history(raw: Json, name: str, draws: random.Random) -> None:
    for one in _names(raw["propertiesWithHistory"], name, draws):
        del raw["propertiesWithHistory"][one]


def _no_histories(raw: Json, _name: str, _draws: random.Random) -> None:
    del raw["propertiesWithHistory"]


def _no_version(raw: Json, name: str, draws: random.Random) -> None:
    told = {one: versions for one, versions in raw["propertiesWithHistory"].items() if versions}
    for one in _names(told, name, draws):
        del told[one][0]


def _no_list(raw: Json, _name: str, draws: random.Random) -> None:
    if draws.random() < 0.5:
        raw["to"] = None
    else:
        del raw["to"]


_TAKE: dict[str, Callable[[Json, str, random.Random], None]] = {
    "no-property": _no_property,
    "no-history": _no_history,
    "no-histories": _no_histories,
    "no-version": _no_version,
    "no-list": _no_list,
}
