"""Admins who change the mapping in mid-life, and start the service anew with it, whatever it was just about to do."""

import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from tests.simulation.disturbances import moment
from tests.simulation.script import ACT, KILL, REMAP, REWORD, Item
from tests.simulation.wording import PACKAGED, merged, others_of
from tests.simulation.world import LEAD, TIER

if TYPE_CHECKING:
    from tests.simulation.author import Author, Client

TIERS = ("Gold", "Gold", "Silver", "")
ROLES = ("account_manager", "social_ad_specialist", "copywriter", "graphic_designer")

Piece = Mapping[str, Any]


def _in(*values: str) -> Piece:
    return {"portfolio": {"condition": [{"property": TIER, "in": list(values)}]}}


def _cadences(**others: str) -> Piece:
    known = {
        "Weekly": "1 week", "Every 2 weeks": "2 weeks", "Every 3 weeks": "3 weeks", "Every 4 weeks": "4 weeks",
        "Monthly": "1 month", "Every 2 months": "2 months", "Quarterly": "1 quarter",
    }  # fmt: skip
    return {"cadence": {"values": {**known, **others}}}


PIECES: Mapping[str, Sequence[Piece]] = {
    "condition": ({}, _in("Gold"), _in("Gold", "Silver"), _in("Silver")),
    "cadence": (
        {},
        _cadences(Weekly="10 days", Monthly="30 days"),
        _cadences(Weekly="1 month", Monthly="3 weeks"),
        {"cadence": {"values": {"Monthly": "1 month"}}},  # no other is mapped
        {"cadence": {"default": "Weekly"}},
        _cadences(Fortnightly="2 weeks"),
    ),
    "people": ({}, {"portfolio": {"owners": {"account_manager": LEAD}}}),
    "tickets' people": ({}, {"ticket": {"owners": {}}}),
    "window": ({}, {"rules": {"window_days": 10}}, {"rules": {"window_days": 25}}),
    "days": ({}, {"time_zone": "Pacific/Honolulu"}, {"time_zone": "Pacific/Auckland"}),
}
"""What an admin may change: each is changed alone, and stays so until it is changed again."""


class Office:
    """The admins of one portal, from dice of their own: everything else of a seed happens as it would without them."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"office {seed}")
        self._pieces: dict[str, Piece] = {}

    def given(self, owners: Mapping[str, str]) -> dict[str, str]:
        """What a new portfolio has besides: its tier, and perhaps a lead."""
        rng = self._rng
        lead = owners[rng.choice(("second_account_manager", "account_manager"))] if rng.random() < 0.7 else ""
        return {name: value for name, value in ((TIER, rng.choice(TIERS)), (LEAD, lead)) if value}

    def changes(self, author: "Author", today: date) -> Iterator[Item]:
        """What happens to the mapping on a day."""
        rng = self._rng
        for _ in range(rng.choice((0, 0, 0, 0, 1, 1, 2))):
            at = moment(today, rng.randrange(7, 20), rng.randrange(60), rng.randrange(60))
            mapping = self._changed(author.player.world.sandbox.process.owners)
            if at <= author.clock:
                continue
            if author.profile.kills and rng.random() < 0.3:
                down = rng.choice((0, 5, 600))
                yield Item(at, KILL, values={"step": rng.randint(1, 60), "down": down, "remap": mapping})
            else:
                yield Item(at, REMAP, values=mapping)

    def _changed(self, owners: Mapping[str, str]) -> dict[str, Any]:
        rng = self._rng
        for _ in range(rng.choice((1, 1, 2))):
            kind = rng.choice((*PIECES, "condition", "cadence", "stand-ins"))
            if kind == "stand-ins":
                person = rng.choice(("sas", "second_account_manager"))
                who = owners[{"sas": "social_ad_specialist"}.get(person, person)]
                self._pieces[kind] = (
                    {"roles": {rng.choice(ROLES): {"fallback_owner": who}}} if rng.random() < 0.7 else {}
                )
            else:
                self._pieces[kind] = rng.choice(PIECES[kind])
        return merged(self._pieces.values())

    def session(self, author: "Author", client: "Client") -> Iterator[Item]:
        """Somebody gives a client another tier, or another lead; often, in a hurry, and back again."""
        rng = self._rng
        owners = author.player.world.sandbox.process.owners
        if rng.random() < 0.12:
            yield author.quietly(rng, client, {TIER: rng.choice(TIERS)})
            if rng.random() < 0.3:
                yield author.quietly(rng, client, {TIER: rng.choice(TIERS)})
        if rng.random() < 0.05:
            yield author.quietly(rng, client, {LEAD: rng.choice((owners["second_account_manager"], ""))})


class Wording:
    """Those who give statuses, revisions and approvals other values, from dice of their own, as well."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"wording {seed}")
        self._words: dict[str, str] = {}

    def changes(self, author: "Author", today: date) -> Iterator[Item]:
        """What happens to the words on a day: mapping first and then the records, or the other way about."""
        rng = self._rng
        if rng.random() >= 0.3:
            return
        at = moment(today, rng.randrange(7, 17), rng.randrange(60), rng.randrange(60))
        if at <= author.clock:
            return
        before = dict(self._words)
        for word in rng.sample(sorted(set(PACKAGED.values())), rng.choice((1, 1, 2, 4))):
            self._words[word] = rng.choice([one for one in (word, *others_of(word)) if one != before.get(word, word)])
        moves = {before.get(word, word): one for word, one in self._words.items() if one != before.get(word, word)}
        words = dict(self._words)
        later = at + 1000 * rng.choice((0, 5, 60, 300, 3600, 4 * 3600))
        if rng.random() < 0.5:
            yield Item(at, REWORD, values={"words": words, "said": rng.random() < 0.5})
            yield Item(later, ACT, "move", {"moves": moves, "words": words})
        else:
            yield Item(at, ACT, "move", {"moves": moves, "words": words if rng.random() < 0.5 else before})
            yield Item(later, REWORD, values={"words": words, "said": True})
            last = later + 1000 * rng.choice((1, 600))  # what was set meanwhile
            yield Item(last, ACT, "move", {"moves": moves, "words": words})
