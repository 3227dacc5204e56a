"""Batches of inputs, and what became of each row of a write. Pure."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sync.crm import Applied, Outcome, Unknown
from sync.hubspot import answers
from sync.hubspot.answers import Json, Sorted
from sync.hubspot.ask import Answer, Ask

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One input of a write: its place among the caller's, the name that the answer has for it, and how it is sent."""

    place: int
    name: str
    wire: Json


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """Cut into parts of at most `size` items."""
    return (items[start : start + size] for start in range(0, len(items), size))


def distinct_batches(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    """Cut into batches of at most `size` rows in which no name stands twice; rows of one name keep their order."""
    waves: list[list[Row]] = []
    seen: dict[str, int] = {}
    for row in rows:
        wave = seen.get(row.name, 0)
        seen[row.name] = wave + 1
        if wave == len(waves):
            waves.append([])
        waves[wave].append(row)
    for wave_rows in waves:
        yield from chunks(wave_rows, size)


def outcomes_of(ask: Ask, answer: Answer, rows: Sequence[Row], *, created: bool) -> dict[int, Outcome]:
    """Tell the outcome of each row of an answered batch, by its place: confirmed, refused by name, or unknown.

    `created`: the batch made records, so that a result bears a new id and is matched by its trace.
    """
    raws = [raw for raw in answers.objects(answer.body.get("results")) if answers.text(raw, "id")]
    own = _own_values(rows) if created else {}
    results = {_trace(raw, own) if created else answers.text(raw, "id"): raw for raw in raws}
    matched = answers.sort_out([row.name for row in rows], results, answer.problems, _raw_merged_into)
    contradicted = {name for problem in answer.problems for name in problem.names if name in matched.found}
    return {row.place: _outcome(ask, answer, matched, row.name, doubtful=row.name in contradicted) for row in rows}


def _outcome(ask: Ask, answer: Answer, matched: Sorted[Json], name: str, *, doubtful: bool) -> Outcome:
    if name in matched.found and not doubtful:
        return Applied(answers.text(matched.found[name], "id"))
    elif name in matched.named:
        return matched.named[name].outcome()
    else:
        why = "; ".join(map(str, answer.problems)) or "the answer says nothing of it"
        return Unknown(f"{ask}: {why}")


def _own_values(rows: Sequence[Row]) -> dict[tuple[str, str], str]:
    """The values that only one row of the batch sets, each with the row's name: by these a record tells its input."""
    pairs = [(prop, value, row.name) for row in rows for prop, value in row.wire["properties"].items() if value]
    counted = Counter((prop, value) for prop, value, _ in pairs)
    return {(prop, value): name for prop, value, name in pairs if counted[prop, value] == 1}


def _trace(raw: Json, own: Mapping[tuple[str, str], str]) -> str:
    """Which input a created record came from: by its trace or, should HubSpot leave that out, by a value of its own."""
    values = answers.child(raw, "properties")
    names = {own[prop, answers.text(values, prop)] for prop in values if (prop, answers.text(values, prop)) in own}
    no_trace = names.pop() if len(names) == 1 else f"record {answers.text(raw, 'id')}"
    return answers.text(raw, "objectWriteTraceId") or no_trace


def _raw_merged_into(raw: Json) -> list[str]:
    return answers.merged_ids(answers.child(raw, "properties"))
