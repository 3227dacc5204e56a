"""A mapping's file written by a test, and the problems that loading it tells."""

from collections.abc import Callable
from pathlib import Path

import pytest

from mappings.load import MappingError, Problem, load

Write = Callable[[str], Path]


def problems_of(path: Path) -> tuple[Problem, ...]:
    with pytest.raises(MappingError) as raised:
        load(path)
    return raised.value.problems
