"""What people should not do, and do all the same: any edit of any record, whatever the process says."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from sync.sandbox.records import Record
from tests.simulation.player import NAMES, UNMAPPED
from tests.simulation.script import Item
from tests.simulation.words import (
    CADENCES,
    CLOSED,
    CREATE_TICKETS,
    DONE,
    IMPLEMENT,
    IN_PROGRESS,
    IN_REVIEW,
    KICKOFF,
    NEW,
    REVISIONS,
    SHARE,
    SHORT_CADENCES,
    STATUSES,
    WORK,
)

if TYPE_CHECKING:
    from tests.simulation.author import Author, Client


def chaos(author: "Author", client: "Client") -> Iterator[Item]:
    rng = author.rng
    tickets = author.tickets_of(client)
    for _ in range(rng.choice((1, 1, 2, 3))):
        acts = [_portfolio, _portfolio, _task, _people]
        if tickets:
            acts += [_ticket, _ticket, _ticket]
        else:
            acts += [_new_ticket]
        yield from rng.choice(acts)(author, client, tickets)


def _portfolio(author: "Author", client: "Client", _: object) -> Iterator[Item]:  # noqa: C901 - one rung an act, flat on purpose
    rng = author.rng
    match rng.randrange(20):
        case 9 | 10 | 11 | 12 | 13 | 14:
            yield author.status(client, rng.choice(("", *STATUSES)))
        case 15 | 16:
            yield author.set(client.label, **{NAMES.date: author.day_in(rng.randint(-2, 2))})
        case 17:
            yield author.act("archive", {"ref": client.label})
            if rng.random() < 0.7:
                yield author.act("restore", {"ref": client.label})
        case 18 if rng.random() < 0.3:
            other = rng.choice(list(author.clients))
            if other != client.label:
                yield author.act("merge", {"ref": client.label, "gone": other})
        case 19:
            subject = rng.choice((IMPLEMENT, f"Create Deliverable Tickets for Refresh: {client.name}"))
            yield author.act("own task", {"on": client.label, "subject": subject})
        case 0 | 1 | 2:
            yield author.status(client, rng.choice(("", *STATUSES)))
        case 3 | 4:
            yield author.set(client.label, **{NAMES.date: author.day_in(rng.randint(-10, 40))})
        case 5:
            yield author.set(client.label, **{NAMES.date: ""})
        case 6:
            yield author.set(client.label, **{NAMES.cadence: rng.choice((UNMAPPED, *CADENCES, ""))})
        case 7:
            yield author.set(client.label, **{NAMES.cadence: rng.choice(SHORT_CADENCES)})
        case _:
            yield author.set(client.label, **{NAMES.date: author.day_in(rng.randint(17, 40))})
            yield author.set(client.label, **{NAMES.date: author.day_in(rng.randint(0, 15))})


def _task(author: "Author", client: "Client", tickets: Sequence[tuple[str, Record]]) -> Iterator[Item]:
    rng = author.rng
    do = rng.choice(("COMPLETED", "NOT_STARTED", "IN_PROGRESS", "WAITING", "delete", "restore"))
    if tickets and rng.random() < 0.5:
        yield author.tick(rng.choice(tickets)[0], rng.choice(WORK), do)
    else:
        yield author.tick(client.label, rng.choice((KICKOFF, CREATE_TICKETS, SHARE, IMPLEMENT, IMPLEMENT)), do)


def _people(author: "Author", client: "Client", _: object) -> Iterator[Item]:
    rng = author.rng
    owners = author.player.world.sandbox.process.owners
    role = rng.choice(("account_manager", "social_ad_specialist", "copywriter", "graphic_designer"))
    match rng.randrange(4):
        case 0:
            yield author.set(client.label, **{role: ""})
        case 1:
            person = rng.choice((role, role, "second_account_manager", "second_designer", "deactivated"))
            yield author.set(client.label, **{role: owners[person]})
        case 2 if role not in author.away:
            author.away.append(role)
            yield author.act("owner", {"role": role, "active": False}, by="")
        case _ if author.away:
            yield author.act("owner", {"role": author.away.pop(), "active": True}, by="")


def _new_ticket(author: "Author", client: "Client", _: object) -> Iterator[Item]:
    author.sets += 1
    yield from author.ticket(client, author.rng.choice((f"Set {author.sets}", f"Set {max(1, author.sets - 1)}", "")))


def _ticket(author: "Author", client: "Client", tickets: Sequence[tuple[str, Record]]) -> Iterator[Item]:  # noqa: C901 - one rung an act, flat on purpose
    rng = author.rng
    label, ticket = rng.choice(tickets)
    other = rng.choice(list(author.clients))
    match rng.randrange(14):
        case 0 | 1:
            yield from author.ticket(client, ticket.value(NAMES.folder))
        case 2:
            yield author.set(label, **{NAMES.folder: rng.choice(("Renamed", "", f"Set {rng.randint(1, 4)}"))})
        case 3:
            author.archived.append(label)
            yield author.act("archive", {"ref": label})
        case 4 if author.archived:
            yield author.act("restore", {"ref": author.archived.pop(rng.randrange(len(author.archived)))})
        case 5:
            yield author.set(label, hs_pipeline_stage=rng.choice((NEW, IN_PROGRESS, IN_REVIEW, DONE, CLOSED)))
        case 6:
            yield author.set(label, hs_pipeline_stage=IN_REVIEW)
        case 7:
            yield author.set(label, **{NAMES.needs_revisions: rng.choice(("", *REVISIONS))})
            if rng.random() < 0.4:
                yield author.set(label, **{NAMES.needs_revisions: rng.choice(("", *REVISIONS))})
        case 8:
            yield from author.revise(label)
        case 9:
            yield author.act("associate", {"ref": label, "to": other, "label": rng.choice((None, "Primary"))})
        case 10:
            yield author.act("dissociate", {"ref": label, "to": client.label})
            if rng.random() < 0.7:
                yield author.act("associate", {"ref": label, "to": other})
        case 11:
            yield author.set(label, hs_pipeline_stage="2")  # into the support pipeline
            if rng.random() < 0.6:
                yield author.set(label, hs_pipeline_stage=rng.choice((NEW, IN_REVIEW)))
        case 12:
            gone = rng.choice(tickets)[0]
            if gone != label:
                yield author.act("merge", {"ref": label, "gone": gone})
        case _:
            owners = author.player.world.sandbox.process.owners
            owner = rng.choice(("", owners["second_designer"], owners["deactivated"]))
            yield author.set(label, **{NAMES.ticket_graphic_designer: owner})
