"""What a row of the decision table is, and how it is tested."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

import pytest

from sync.rules.model import State
from tests.builders import Scene
from tests.unit import handoffs

MakeScene = Callable[[], Scene]


@dataclass(frozen=True)
class Says:
    """What a rule says of the portfolio, or of one of its tickets: `because` is part of its reason."""

    handoff: str
    state: State
    because: str
    record: str | None = None


@dataclass(frozen=True)
class Row:
    """One thing changed in a quiet portfolio, and all that follows from it.

    `rungs` are the numbers of docs/process.md that the row shows, with spaces between them. `effects` are those of all ten
    handoffs: what the row does not name must not happen.
    """

    rungs: str
    id: str
    scene: MakeScene
    says: Says
    effects: Sequence[str]


def rows(chapters: Mapping[str, Sequence[Row]]) -> pytest.MarkDecorator:
    """Parametrise a test with rows; an id begins with its chapter: a handoff's number, or what the rows have in common."""
    params = [pytest.param(row, id=f"{chapter} {row.id}") for chapter, table in chapters.items() for row in table]
    return pytest.mark.parametrize("row", params)


@cache
def all_rows() -> Sequence[tuple[str, Row]]:
    """All rows of the table, each with its chapter."""
    modules = [import_module(f"{handoffs.__name__}.{module.name}") for module in iter_modules(handoffs.__path__)]
    tables = [getattr(module, "ROWS", {}) for module in modules]
    return [(chapter, row) for table in tables for chapter, found in table.items() for row in found]


def check(row: Row) -> None:
    """Assert what the row says; then let the CRM refuse everything, and look again: there is nothing left to do."""
    scene = row.scene()
    assert scene.would_do() == list(row.effects)
    verdicts = scene.verdicts(row.says.handoff, row.says.record)
    assert any(v.state is row.says.state and row.says.because in v.reason for v in verdicts), verdicts
    scene.refuse().look()
    assert [told for told in scene.would_do() if not told.endswith(("(blocked)", "nobody"))] == []
