"""What people do to the tasks that they were given, beside ticking them: they write into the body, rename, hand on, put off."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.simulation.script import ACT, Item
from tests.simulation.words import CREATE_TICKETS, IMPLEMENT, KICKOFF, SHARE, WORK

if TYPE_CHECKING:
    from tests.simulation.author import Author, Client

EDITS = ("append", "append", "prepend", "rewrite", "rename", "hand on", "put off", "NOT_STARTED")


def edits(author: "Author", client: "Client") -> Iterator[Item]:
    """One or two of them, by chance of their own: whoever edits a task plays no other story otherwise."""
    rng = author.desk
    tickets = author.tickets_of(client)
    for _ in range(rng.choice((1, 1, 2))):
        author.clock += rng.choice((2_000, 20_000, 90_000))
        on, subjects = client.label, (KICKOFF, CREATE_TICKETS, SHARE, IMPLEMENT)
        if tickets and rng.random() < 0.5:
            on, subjects = rng.choice(tickets)[0], WORK
        do = rng.choice(EDITS)
        values: dict[str, Any] = {"on": on, "subject": rng.choice(subjects), "do": do}
        if do != "NOT_STARTED":
            values["text"] = f"<p>Seen, {rng.randrange(100)} % done</p>"
        call = rng.randint(1, 14) if rng.random() < author.profile.inside else 0
        yield Item(author.clock, ACT, "task", values, "account_manager", call)
