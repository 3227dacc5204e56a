"""People tidy up: two portfolios of one client, or two tickets of one deliverable, become one."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tests.simulation.player import NAMES
from tests.simulation.script import Item
from tests.simulation.words import SHORT_CADENCES

if TYPE_CHECKING:
    from tests.simulation.author import Author, Client


def merging(author: "Author", client: "Client") -> Iterator[Item]:
    rng = author.merging
    tickets = [label for label, _ in author.tickets_of(client)]
    others = [label for label in author.clients if label != client.label]
    if len(tickets) > 1 and rng.random() < 0.5:
        primary, gone = rng.sample(tickets, 2)
        yield author.act("merge", {"ref": primary, "gone": gone})
    elif others and rng.random() < 0.5:
        primary, gone = rng.sample([client.label, rng.choice(others)], 2)
        yield author.act("merge", {"ref": primary, "gone": gone})
    elif len(author.clients) < 8:
        copy = author.another_client()
        owners = author.player.world.sandbox.process.owners
        roles = ("account_manager", "social_ad_specialist", "copywriter", "graphic_designer")
        properties = {
            NAMES.name: copy.name,
            NAMES.date: author.day_in(rng.choice((0, 3, 9, 14, 20))),
            NAMES.cadence: rng.choice(SHORT_CADENCES),
            **{role: owners[role] for role in roles},
        }
        yield author.act("create", {"as": copy.label, "kind": "portfolio", "properties": properties})
