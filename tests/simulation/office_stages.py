"""Admins who replace a pipeline or a stage by another, and who rename them, in mid-life."""

import random
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from tests.simulation.disturbances import moment
from tests.simulation.script import ACT, REWORD, Item
from tests.simulation.stages import IDS, LAYOUTS, STAGE, Layout, label_of

if TYPE_CHECKING:
    from tests.simulation.author import Author

DELAYS = (0, 5, 60, 300, 3600, 4 * 3600)
"""How long after one step of a change, in seconds, the next is done."""


class Pipelines:
    """The admins of one portal, from dice of their own; and people who put a ticket where the mapping knows no place."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"pipelines {seed}")
        self._layout = Layout()
        self._by_label: dict[str, bool] = {}
        self._labels: dict[str, str] = {}
        self._renamed = 0

    def changes(self, author: "Author", today: date) -> Iterator[Item]:
        """What happens to pipelines and stages on a day."""
        rng = self._rng
        yield from self._astray(author, today)
        if rng.random() >= 0.35:
            return
        at = moment(today, rng.randrange(7, 17), rng.randrange(60), rng.randrange(60))
        if at <= author.clock:
            return
        what = rng.choice((self._replaced, self._replaced, self._relabelled, self._named_otherwise))
        yield from what(author, at)

    def _replaced(self, author: "Author", at: int) -> Iterator[Item]:
        """Mapping first and then the records, or the other way about."""
        rng = self._rng
        before = self._layout.words()
        self._layout = rng.choice([one for one in LAYOUTS if one != self._layout])
        self._choose_names()
        words = self._layout.words()
        moves = {before[word]: one for word, one in words.items() if one != before[word]}
        later = at + 1000 * rng.choice(DELAYS)
        if rng.random() < 0.5:
            yield self._reword(author, at, said=rng.random() < 0.5)
            yield Item(later, ACT, "move", {"moves": moves, "words": words})
        else:
            yield Item(at, ACT, "move", {"moves": moves, "words": words if rng.random() < 0.5 else before})
            yield self._reword(author, later)
            last = later + 1000 * rng.choice((1, 600))  # what was set meanwhile
            yield Item(last, ACT, "move", {"moves": moves, "words": words})

    def _relabelled(self, author: "Author", at: int) -> Iterator[Item]:
        """A new label; where the mapping names the old one it is mended, or the label is put back."""
        rng = self._rng
        key, one = rng.choice(sorted(self._layout.named().items()))
        old = self._label(author, one)
        self._renamed += 1
        self._labels[one] = f"{old.split(' no. ')[0]} no. {self._renamed}"
        yield Item(at, ACT, "label", {"of": one, "label": self._labels[one]})
        later = at + 1000 * rng.choice(DELAYS)
        if rng.random() < 0.4:
            self._labels[one] = old
            yield Item(later, ACT, "label", {"of": one, "label": old})
        elif self._by_label.get(key):
            yield self._reword(author, later)

    def _named_otherwise(self, author: "Author", at: int) -> Iterator[Item]:
        """The same by id instead of by label, or the other way about."""
        self._choose_names()
        yield self._reword(author, at)

    def _choose_names(self) -> None:
        self._by_label = {key: self._rng.random() < 0.5 for key in self._layout.named()}

    def _reword(self, author: "Author", at: int, *, said: bool = True) -> Item:
        return Item(
            at, REWORD, values={"words": self._layout.words(), "said": said, "stages": dict(self._names(author))}
        )

    def _names(self, author: "Author") -> Mapping[str, str]:
        return {
            key: self._label(author, one) if self._by_label.get(key) else one
            for key, one in self._layout.named().items()
        }

    def _label(self, author: "Author", one: str) -> str:
        return self._labels.get(one) or label_of(author.player.world.sandbox.portal, one)

    def _astray(self, author: "Author", today: date) -> Iterator[Item]:
        """Somebody moves a ticket to a stage of either pipeline, whether the mapping names it or not; or makes one there."""
        rng = self._rng
        if rng.random() >= 0.25:
            return
        at = moment(today, rng.randrange(8, 19), rng.randrange(60), rng.randrange(60))
        client = author.clients[rng.choice(sorted(author.clients))]
        tickets = author.tickets_of(client)
        if at <= author.clock or not tickets:
            return
        where = {STAGE: rng.choice(IDS)}
        yield Item(at, ACT, "set", {"ref": rng.choice(tickets)[0], "properties": where, "spelled": True}, "copywriter")
