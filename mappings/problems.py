"""What is wrong with a mapping, said so that its author can mend it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to change, and where.

    `file` is a path or a template's name, '' where the mapping was not read from a file. `line` counts from 1;
    None where no line is to blame (an unreadable file). `key` is dotted (`portfolio.statuses`), '' for the whole file.
    """

    file: str
    line: int | None
    key: str
    message: str

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(part for part in (place, self.key, self.message) if part)


class MappingError(Exception):
    """The mapping cannot be used. `problems` holds all that were found, in the order of files and lines."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return f"The mapping (MAPPING) has a problem: {self.problems[0]}"
        return "\n".join(
            [f"The mapping (MAPPING) has {len(self.problems)} problems:", *(f"  {one}" for one in self.problems)]
        )
