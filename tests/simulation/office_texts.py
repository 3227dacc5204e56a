"""Admins who write texts anew, and who rename properties and their options, in mid-life."""

import random
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from tests.simulation.disturbances import moment
from tests.simulation.editions import PLACES
from tests.simulation.player import NAMES
from tests.simulation.script import ACT, KILL, RETELL, Item

if TYPE_CHECKING:
    from tests.simulation.author import Author

LABELLED = {
    "portfolio": (NAMES.status, NAMES.date, NAMES.cadence, NAMES.account_manager),
    "ticket": (NAMES.needs_revisions, NAMES.copy_approval, NAMES.folder),
}
"""Properties whose labels people change; their internal names stay."""


class Texts:
    """The admins of one portal, from dice of their own: everything else of a seed happens as it would without them."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"texts {seed}")
        self._editions: dict[str, int] = {}
        self._renamed = 0

    def changes(self, author: "Author", today: date) -> Iterator[Item]:
        """What happens to texts and labels on a day."""
        rng = self._rng
        for _ in range(rng.choice((0, 0, 0, 1, 1, 2))):
            at = moment(today, rng.randrange(7, 20), rng.randrange(60), rng.randrange(60))
            if at <= author.clock:
                continue
            if rng.random() < 0.3:
                yield self._renames(at)
                continue
            for place in rng.sample(PLACES, rng.choice((1, 2, 6, len(PLACES)))):
                self._editions[place] = rng.randrange(4)
            editions = dict(self._editions)
            if author.profile.kills and rng.random() < 0.3:
                down = rng.choice((0, 5, 600))
                yield Item(at, KILL, values={"step": rng.randint(1, 60), "down": down, "retell": editions})
            else:
                yield Item(at, RETELL, values=editions)

    def _renames(self, at: int) -> Item:
        """A property, or one of its options, gets another label."""
        rng = self._rng
        kind = rng.choice(sorted(LABELLED))
        self._renamed += 1
        values: dict[str, Any] = {"kind": kind, "name": rng.choice(LABELLED[kind]), "label": f"Label {self._renamed}"}
        if rng.random() < 0.5:
            values["option"] = rng.randrange(6)
        return Item(at, ACT, "label", values)
