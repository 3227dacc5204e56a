"""What the rules tell apart by a hair: situations that people of an agency come into seldom, and a reader of rules at once."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from dateutil.relativedelta import relativedelta

from sync.sandbox.faults import FaultKind
from tests.simulation.player import NAMES, UNMAPPED
from tests.simulation.script import FAULT, KILL, POLL, Item
from tests.simulation.words import (
    APPROVED,
    CLOSED,
    DECLINED,
    IMPLEMENT,
    IMPLEMENTED,
    IN_PROGRESS,
    IN_REVIEW,
    NEW,
    PENDING,
    REQUESTED,
    REVISIONS,
    SHARE,
    SUBMITTED,
)

if TYPE_CHECKING:
    from tests.simulation.author import Author, Client

AM, SAS, COPYWRITER, DESIGNER = "account_manager", "social_ad_specialist", "copywriter", "graphic_designer"

CornerCase = Callable[["Author", "Client", str], Iterator[Item]]
"""What is done at a client; the text is a folder that no ticket has yet."""


def corner_case(author: "Author", client: "Client") -> Iterator[Item]:
    """One of them."""
    author.sets += 1
    chosen = author.rng.choice(CORNER_CASES)
    if not author.script.webhooks and author.rng.random() < 0.15:
        chosen = _polled_while_the_search_lags  # a webhook would have told
    yield from chosen(author, client, f"Set {author.sets}")


# -- Ad Sets


def _ready_at_birth(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    yield author.status(client, author.rng.choice(("", REQUESTED, REQUESTED, SUBMITTED, PENDING)))
    yield from author.ready_ticket(client, folder)


def _one_more_for_a_set_that_is_ready(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    yield from author.ready_ticket(client, folder)
    author.clock += 1_200_000
    yield author.status(client, author.rng.choice((REQUESTED, REQUESTED, PENDING)))
    yield from author.ready_ticket(client, folder)


def _the_last_one_behind_is_closed(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    yield author.status(client, author.rng.choice((REQUESTED, SUBMITTED)))
    yield from author.ready_ticket(client, folder)
    behind = f"T{author.tickets}"
    yield from author.ticket(client, folder)
    author.clock += 1_200_000
    yield author.set(behind, hs_pipeline_stage=CLOSED)


def _approved_while_a_set_is_announced(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    yield author.status(client, SUBMITTED)
    last = f"T{author.tickets}"
    yield from author.ticket(client, folder)
    author.clock += 1_200_000
    yield _meanwhile(author, author.status(client, author.rng.choice((APPROVED, APPROVED, IMPLEMENTED, REQUESTED))))
    yield author.set(last, hs_pipeline_stage=IN_REVIEW)


def _announced_again_and_again(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    """By revision rounds that nobody ticks anything in, or hardly anybody."""
    rng = author.rng
    yield author.status(client, SUBMITTED)
    made = [f"T{author.tickets + n}" for n in range(2)]
    yield from author.ready_ticket(client, folder)
    yield from author.ready_ticket(client, folder)
    for _ in range(rng.choice((1, 2, 3))):
        author.clock += 1_200_000
        back = rng.choice(made)
        yield author.set(back, hs_pipeline_stage=IN_PROGRESS)
        if rng.random() < 0.3:
            yield author.tick(client.label, SHARE, rng.choice(("COMPLETED", "COMPLETED", "NOT_STARTED", "delete")))
        if rng.random() < 0.2:
            yield author.set(client.label, account_manager=rng.choice(("", _owners(author)[AM])))
        if rng.random() < 0.2:
            yield author.set(rng.choice(made), **{NAMES.folder: f"{folder} {rng.choice(('a', 'b'))}"})
        author.clock += 1_200_000
        yield author.set(back, hs_pipeline_stage=IN_REVIEW)
    yield author.set(client.label, account_manager=_owners(author)[AM])


def _left_out_of_its_set(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    """By a folder that nobody fills in, or by a slip of the hand; and perhaps put right afterwards."""
    rng = author.rng
    named = f"Summer sale {folder}"
    slips = (f"Sumer sale {folder}", f"Summer-sale {folder}", f"Summersale {folder}", f"Sommer sael {folder}", "")
    yield author.status(client, rng.choice((SUBMITTED, SUBMITTED, PENDING)))
    left_out = f"T{author.tickets}"
    yield from author.ticket(client, rng.choice((*slips, "")))
    if rng.random() < 0.5:
        yield author.set(left_out, hs_pipeline_stage=IN_REVIEW)
    yield from author.ticket(
        client, rng.choice((f"Summer sale {folder} 1", f"Plan A {folder}", f"Winter {folder}", ""))
    )
    yield from author.ready_ticket(client, named)
    author.clock += 1_200_000
    if rng.random() < 0.6:
        yield author.set(left_out, **{NAMES.folder: named})
        yield author.set(left_out, hs_pipeline_stage=IN_REVIEW)


# -- endings


def _made_before_a_decline(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    """A ticket that was made before the client declined comes into the pipeline after it."""
    made = f"T{author.tickets}"
    yield from author.ticket(client, folder, stage="1")
    yield author.status(client, DECLINED)
    yield author.set(made, hs_pipeline_stage=author.rng.choice((NEW, IN_REVIEW)))


def _implemented_with_no_next_date(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    """By a slip."""
    yield author.set(client.label, **{NAMES.cadence: UNMAPPED})
    yield author.status(client, IMPLEMENTED, SAS)
    yield author.status(client, APPROVED)
    yield author.set(client.label, **{NAMES.cadence: "Weekly"})


def _declined_while_work_waits(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    """For a person; and perhaps on a ticket that is deleted meanwhile."""
    made = f"T{author.tickets}"
    yield author.set(client.label, graphic_designer="")
    yield from author.ticket(client, folder)
    deleted = author.rng.random() < 0.3
    if deleted:
        author.clock += 1_200_000
        yield author.act("archive", {"ref": made})
    yield author.status(client, DECLINED)
    yield author.set(client.label, graphic_designer=_owners(author)[DESIGNER])
    if deleted:
        author.clock += 1_200_000
        yield author.act("restore", {"ref": made})


def _date_moved_in_the_minute_of_a_decline(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    yield author.status(client, DECLINED)
    yield author.set(client.label, **{NAMES.date: author.day_in(author.rng.randint(0, 20))})


def _declined_long_after_its_date(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    """Months after it: on its own day of the month, or on a date that not every month has."""
    rng = author.rng
    today = date.fromisoformat(author.day_in(0))
    first = today - relativedelta(months=rng.randint(2, 5), day=1)
    while rng.random() < 0.5 and (first + relativedelta(day=31)).day < 31:
        first -= relativedelta(months=1)
    day = rng.choice((31, today.day))
    yield author.set(client.label, **{NAMES.cadence: rng.choice(("Monthly", "Every 2 months", "Quarterly"))})
    yield author.set(client.label, **{NAMES.date: (first + relativedelta(day=day)).isoformat()})
    yield author.status(client, DECLINED)


def _declined_and_edited_meanwhile(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    rng = author.rng
    if rng.random() < 0.5:
        yield _meanwhile(author, author.set(client.label, **{NAMES.date: author.day_in(rng.randint(0, 20))}))
    else:
        yield _meanwhile(author, author.status(client, rng.choice((REQUESTED, APPROVED))))
    yield author.status(client, DECLINED)


def _implemented_and_edited_soon(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    yield author.status(client, IMPLEMENTED, SAS)
    yield author.status(client, author.rng.choice((APPROVED, PENDING)), SAS)


def _implemented_and_edited_meanwhile(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    yield _meanwhile(author, author.status(client, author.rng.choice((APPROVED, PENDING, REQUESTED)), SAS))
    yield author.status(client, IMPLEMENTED, SAS)


def _picked_wrongly(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    """A line of the drop-down, corrected within seconds, minutes or hours; and perhaps the other closing one was meant."""
    rng = author.rng
    before = rng.choice(("", REQUESTED, SUBMITTED, PENDING, APPROVED))
    yield author.status(client, before)
    author.clock += rng.choice((0, 400_000))
    first = rng.choice((DECLINED, IMPLEMENTED))
    yield author.status(client, first, SAS)
    author.clock += _soon_or_later(author)
    meant = rng.choice((before, before, before, "", DECLINED if first == IMPLEMENTED else IMPLEMENTED))
    yield author.status(client, meant, SAS)
    if rng.random() < 0.3:  # and once more
        author.clock += _soon_or_later(author)
        yield author.status(client, first, SAS)


def _ticked_wrongly(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    """The implementation task is opened again, or another approval comes meanwhile."""
    rng = author.rng
    yield author.status(client, APPROVED)
    author.clock += rng.choice((1_000, 400_000))
    yield author.tick(client.label, IMPLEMENT, by=SAS)
    if rng.random() < 0.3:
        yield author.status(client, PENDING)
        yield author.status(client, APPROVED)
    author.clock += _soon_or_later(author)
    yield author.tick(client.label, IMPLEMENT, "NOT_STARTED", by=SAS)
    if rng.random() < 0.5:
        author.clock += _soon_or_later(author)
        yield author.tick(client.label, IMPLEMENT, by=SAS)


def _worked_on_while_a_closing_waits(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    """Tickets, revisions and the date do not stand still for the two minutes."""
    rng = author.rng
    yield author.status(client, rng.choice((REQUESTED, SUBMITTED)))
    yield from author.ready_ticket(client, folder)
    author.clock += 1_200_000
    yield author.status(client, rng.choice((DECLINED, IMPLEMENTED)))
    match rng.randrange(4):
        case 0:
            yield from author.ticket(client, folder)
        case 1:
            for label, _ in author.tickets_of(client)[:1]:
                yield from author.revise(label)
        case 2:
            yield author.set(client.label, **{NAMES.date: author.day_in(rng.randint(0, 20))})
        case _:
            yield from author.ready_ticket(client, folder)
    author.clock += rng.choice((1_000, 30_000, 200_000))
    if rng.random() < 0.7:
        yield author.status(client, rng.choice((REQUESTED, SUBMITTED)))


# -- approvals and revisions


def _approval_deleted(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    """What the approval brought is deleted."""
    yield author.status(client, APPROVED)
    yield author.tick(client.label, IMPLEMENT, "delete", by=SAS)


def _approved_again(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    """The work is done for an approval that was taken back."""
    yield author.status(client, APPROVED)
    yield author.status(client, PENDING)
    yield author.tick(client.label, IMPLEMENT, by=SAS)
    yield author.status(client, APPROVED)
    if author.rng.random() < 0.5:
        yield author.tick(client.label, IMPLEMENT, "delete", by=SAS)


def _revised_twice(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    for label, _ in author.tickets_of(client)[:2]:
        yield author.set(label, hs_pipeline_stage=IN_REVIEW)
        yield from author.revise(label)
        yield author.tick(label, "Revise Copy", by=COPYWRITER)
        yield author.tick(label, "Revise Graphics", by=DESIGNER)


def _revised_round_after_round(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    """Delivered by an approval, by a move, by both, by a ticked task, or not at all, before the next value is set."""
    rng = author.rng
    label = f"T{author.tickets}"
    yield from author.ready_ticket(client, folder)
    for _ in range(rng.randint(2, 4)):
        author.clock += rng.choice((20_000, 1_200_000, 1_200_000))
        yield from author.revise(label)
        author.clock += rng.choice((20_000, 1_200_000, 1_200_000))
        delivered = rng.randrange(6)
        if delivered in {0, 1, 2}:
            approvals = rng.sample((NAMES.copy_approval, NAMES.graphic_approval), rng.choice((1, 2)))
            yield author.set(label, by=COPYWRITER, **dict.fromkeys(approvals, "Approved"))
        if delivered in {0, 3}:
            yield author.set(label, by=DESIGNER, hs_pipeline_stage=IN_REVIEW)
        if delivered == 4:
            yield author.tick(
                label, rng.choice(("Revise Copy", "Revise Graphics")), rng.choice(("COMPLETED", "delete"))
            )


def _moved_while_it_is_kicked_back(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    rng = author.rng
    label = f"T{author.tickets}"
    yield from author.ready_ticket(client, folder)
    author.clock += 1_200_000
    if rng.random() < 0.5:
        yield _meanwhile(author, author.set(label, hs_pipeline_stage=rng.choice((NEW, IN_PROGRESS, CLOSED))))
    else:
        yield _meanwhile(author, author.set(label, **{NAMES.needs_revisions: rng.choice(("", *REVISIONS))}))
    yield author.set(label, **{NAMES.needs_revisions: rng.choice(REVISIONS)})


# -- people and records that are missing for a while


def _leaves_while_work_waits(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    """A ticket moves, perhaps to a portfolio that nothing else draws anybody's eyes to."""
    made = f"T{author.tickets}"
    yield author.set(client.label, graphic_designer="")
    yield from author.ticket(client, folder)
    to = author.rng.choice(list(author.clients))
    if author.rng.random() < 0.3:
        author.clock += 1_200_000
        to = f"P{len(author.clients) + author.sets}"
        yield author.act(
            "create", {"as": to, "kind": "portfolio", "properties": {NAMES.name: f"Quiet {to}", **_people(author)}}
        )
    yield author.act("dissociate", {"ref": made, "to": client.label})
    yield author.act("associate", {"ref": made, "to": to})


def _gone_while_an_announcement_waits(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    yield author.set(client.label, social_ad_specialist="")
    yield author.status(client, SUBMITTED)
    yield from author.ready_ticket(client, folder)
    yield author.act("archive", {"ref": client.label})
    yield author.act("restore", {"ref": client.label})
    if author.rng.random() < 0.5:
        yield author.status(client, APPROVED)
    yield author.set(client.label, social_ad_specialist=_owners(author)[SAS])


def _not_due_any_more(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    """What waits for a person, when there is one."""
    yield author.set(client.label, account_manager="")
    yield author.status(client, "")
    yield author.set(client.label, **{NAMES.date: author.day_in(12)})
    yield author.set(client.label, **{NAMES.date: author.day_in(30)})
    yield author.set(client.label, account_manager=_owners(author)[AM])


def _leaves_the_portfolio_that_counts(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    """A ticket of two, so that the other one has it now; and its set is ready there."""
    rng = author.rng
    ticket = f"T{author.tickets}"
    yield author.status(client, rng.choice((REQUESTED, PENDING)))
    yield from author.ready_ticket(client, folder)
    to = f"P{len(author.clients) + author.sets}"
    yield author.act(
        "create", {"as": to, "kind": "portfolio", "properties": {NAMES.name: f"Quiet {to}", **_people(author)}}
    )
    yield author.act("associate", {"ref": ticket, "to": to})
    author.clock += 1_200_000
    if rng.random() < 0.5:
        yield author.act("dissociate", {"ref": ticket, "to": client.label})
    else:
        yield author.act("associate", {"ref": ticket, "to": to, "label": "Primary"})


# -- troubles at the worst moment


def _not_due_when_it_can_be_sent(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    if _troubled(author):
        yield _fault(author, "refused", "POST */tasks/batch/create", lasts=1_500.0)
    yield author.status(client, "")
    yield author.set(client.label, **{NAMES.date: author.day_in(30)})
    yield author.set(client.label, **{NAMES.date: author.day_in(12)})
    author.clock += 1_400_000
    yield author.set(client.label, **{NAMES.date: author.day_in(30)})


def _a_person_does_what_got_lost(author: "Author", client: "Client", folder: str) -> Iterator[Item]:
    """And takes it back."""
    yield author.status(client, SUBMITTED)
    last = f"T{author.tickets}"
    yield from author.ticket(client, folder)
    author.clock += 1_200_000
    if _troubled(author):
        yield _fault(author, "hang", "POST */batch/update", times=1)
    yield author.set(last, hs_pipeline_stage=IN_REVIEW)
    author.clock += author.rng.choice((5_000, 60_000, 400_000, 1_500_000))
    yield author.status(client, PENDING)
    yield author.status(client, SUBMITTED)


def _lost_before_an_ending_is_seen(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    rng = author.rng
    yield author.status(client, DECLINED)
    if rng.random() < 0.5:  # one is carried out, and another is not
        author.clock += 1_500_000
        yield from _loss(author)
        yield author.status(client, "")
        yield author.status(client, DECLINED)
    else:
        yield author.set(client.label, **{NAMES.date: author.day_in(rng.randint(0, 20))})
        yield from _loss(author)


def _lost_when_it_was_done(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    """The CRM's search need not show it yet."""
    yield author.status(client, "")
    yield from _loss(author, author.rng.choice(("sent", "settled", "finished", "passed")))
    yield author.set(client.label, **{NAMES.date: author.day_in(30)})
    yield author.set(client.label, **{NAMES.date: author.day_in(10)})


def _lost_while_a_task_is_on_its_way(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    """Its emails are sent, the answer that it will be made is lost, and so is the database."""
    yield author.status(client, "")
    yield author.set(client.label, **{NAMES.date: author.day_in(30)})
    author.clock += 1_400_000
    if _troubled(author):
        yield _fault(author, "late-504", "POST */tasks/batch/create", times=1, delay=45.0)
    yield from _loss(author, "finished")
    yield author.set(client.label, **{NAMES.date: author.day_in(10)})


def _polled_while_the_search_lags(author: "Author", client: "Client", _folder: str) -> Iterator[Item]:
    """A poll seconds after a change need not see it; the next one does."""
    author.clock += author.rng.randint(1, 600) * 1_000
    yield author.status(client, author.rng.choice((REQUESTED, APPROVED, DECLINED)))
    yield Item(author.clock + 2_000, POLL)
    author.clock += author.rng.choice((60_000, 900_000))
    yield Item(author.clock, POLL)


CORNER_CASES: tuple[CornerCase, ...] = (
    _ready_at_birth,
    _one_more_for_a_set_that_is_ready,
    _the_last_one_behind_is_closed,
    _approved_while_a_set_is_announced,
    _announced_again_and_again,
    _left_out_of_its_set,
    _made_before_a_decline,
    _implemented_with_no_next_date,
    _declined_while_work_waits,
    _date_moved_in_the_minute_of_a_decline,
    _declined_long_after_its_date,
    _declined_and_edited_meanwhile,
    _implemented_and_edited_soon,
    _implemented_and_edited_meanwhile,
    _picked_wrongly,
    _picked_wrongly,
    _ticked_wrongly,
    _worked_on_while_a_closing_waits,
    _approval_deleted,
    _approved_again,
    _revised_twice,
    _revised_round_after_round,
    _moved_while_it_is_kicked_back,
    _leaves_while_work_waits,
    _gone_while_an_announcement_waits,
    _not_due_any_more,
    _leaves_the_portfolio_that_counts,
    _not_due_when_it_can_be_sent,
    _a_person_does_what_got_lost,
    _lost_before_an_ending_is_seen,
    _lost_when_it_was_done,
    _lost_while_a_task_is_on_its_way,
    _polled_while_the_search_lags,
)


def _owners(author: "Author") -> Mapping[str, str]:
    return author.player.world.sandbox.process.owners


def _people(author: "Author") -> dict[str, str]:
    return {role: _owners(author)[role] for role in (AM, SAS, COPYWRITER, DESIGNER)}


def _soon_or_later(author: "Author") -> int:
    """After how many milliseconds somebody sees what they have done: within the two minutes, just after them, hours later."""
    return author.rng.choice((2_000, 15_000, 60_000, 100_000, 117_000, 121_000, 125_000, 300_000, 7_200_000))


def _meanwhile(author: "Author", act: Item) -> Item:
    """The same act, between what the service decides on next and what it then does."""
    return replace(act, call=0, step=author.rng.choice(("snapshot", "planned", "claimed", "claimed")))


def _troubled(author: "Author") -> bool:
    return author.profile.faults > 0 and not author.quiet


def _fault(author: "Author", kind: FaultKind, endpoint: str, **values: Any) -> Item:
    return Item(author.clock, FAULT, values={"kind": kind, "endpoint": endpoint, **values})


def _loss(author: "Author", step: str = "") -> Iterator[Item]:
    """Where a database may be lost: the process ends at its next step (of this name), and its database with it."""
    if author.profile.lost and not author.quiet:
        yield Item(author.clock, KILL, step, {"step": 1, "down": 0, "lose": 1})
