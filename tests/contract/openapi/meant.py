"""Differences that are meant, each with its reason: `meant.yaml`."""

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from tests.contract.openapi.differences import Difference

LIST = Path(__file__).with_name("meant.yaml")


@dataclass(frozen=True)
class Meant:
    """What one entry allows; every field may hold wildcards (`*`), `reason` apart."""

    operation: str
    where: str
    at: str
    what: str
    sender: str
    reason: str

    def covers(self, one: Difference) -> bool:
        pairs = (
            (one.operation, self.operation),
            (one.where, self.where),
            (one.at, self.at),
            (one.what, self.what),
            (one.sender, self.sender),
        )
        return all(fnmatchcase(value, pattern.replace("[]", "[[]]")) for value, pattern in pairs)

    def __str__(self) -> str:
        return f"{self.operation}: {self.where} at {self.at}: {self.what} (sender: {self.sender})"


def load(path: Path = LIST) -> list[Meant]:
    """The list. Raises `ValueError` for an entry that lacks something; a reason is not optional."""
    entries = []
    for number, raw in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")) or [], 1):
        try:
            entries.append(Meant(**{"operation": "*", "at": "*", "what": "*", "sender": "*", **raw}))
        except TypeError as error:
            raise ValueError(f"{path.name}, entry {number}: {error}") from error
        if not str(raw["reason"]).strip():
            raise ValueError(f"{path.name}, entry {number}: reason is empty")
    return entries


@dataclass(frozen=True)
class Verdict:
    """`left` is not meant by any entry; `unused` are the entries that no difference needed."""

    left: list[Difference]
    meant: list[Difference]
    unused: list[Meant]


def judge(found: Iterable[Difference], entries: Iterable[Meant]) -> Verdict:
    """Sort differences by whether an entry allows them."""
    entries = list(entries)
    used: set[Meant] = set()
    left: list[Difference] = []
    meant: list[Difference] = []
    for one in sorted(found, key=str):
        covering = [entry for entry in entries if entry.covers(one)]
        used.update(covering)
        (meant if covering else left).append(one)
    return Verdict(left, meant, [entry for entry in entries if entry not in used])
