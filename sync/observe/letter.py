"""How the weekly letter is doing: to whom it goes, when the next one is due, and what became of the last."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

from mappings.schema import ProcessMapping
from sync.clock import iso
from sync.rules.letter import next_due
from sync.rules.model import EffectState
from sync.storage import letters
from sync.storage.database import StoreReader
from sync.storage.letters import Copy


@dataclass(frozen=True, slots=True)
class LetterStanding:
    """Where the letter stands. `last`: the week whose letter was written last; None: none was yet."""

    to: tuple[str, ...]
    next_due: datetime
    last: date | None
    copies: tuple[Copy, ...]  # the last letter's

    def as_json(self) -> dict[str, object]:
        last = (
            None if self.last is None else {"week": self.last.isoformat(), "copies": [c.as_json() for c in self.copies]}
        )
        return {"to": list(self.to), "next": iso(self.next_due), "last": last}

    def troubles(self) -> Iterator[str]:
        """Tell of the last letter's copies that somebody has to look after, a line each; of addresses that still get it."""
        wanted = {address.casefold() for address in self.to}
        for copy in self.copies:
            if copy.address.casefold() in wanted and copy.state in _TOLD:
                yield f"the weekly letter of {copy.week} to {copy.address} {_TOLD[copy.state]}: {copy.reason}"


_TOLD = {
    EffectState.FAILED: "was refused (letter.to of the mapping; tried again each hour until Friday, or by `handoffs dead`)",
    EffectState.UNPROVEN: "may have arrived or not; it is not sent again unless you say so: `handoffs dead`",
}


def letter_standing(store: StoreReader, mapping: ProcessMapping, now: datetime) -> LetterStanding | None:
    """Tell where the letter stands by now; None: nobody gets one. Raises `StoreError`."""
    if not mapping.letter.to:
        return None
    with store.read() as connection:
        last = next(iter(letters.weeks(connection, 1)), None)
        copies = () if last is None else tuple(letters.copies(connection, last))
    return LetterStanding(mapping.letter.to, next_due(now, mapping), last, copies)
