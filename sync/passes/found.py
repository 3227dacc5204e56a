"""What a pass found, as it is kept for whoever asks where the clients stand: written down with what it decides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mappings.schema import ProcessMapping
from mappings.vocabulary import Role, Stage
from sync.crm import Kind, Record, RecordRef
from sync.passes.deliverables import lacking, stage_of, why_left_out
from sync.passes.looks import looks
from sync.passes.portal import Portal
from sync.passes.snapshot import Group
from sync.passes.snapshot.versions import mark_of, versions_to_keep
from sync.rules.ancestry import concluded
from sync.rules.context import Context
from sync.rules.handoffs.ad_sets import ad_sets, look_alikes, name_of_set
from sync.rules.identity import names_of, versions_of
from sync.rules.model import Decision, Former, LookAlike, Portfolio, State, Ticket, Verdict, Wait
from sync.rules.standing import misread_of, step_of, unlisted_of, vanished_of
from sync.storage import identities, portfolio_details, portfolios, versions, waits
from sync.storage import look_alikes as kept_look_alikes
from sync.storage.database import Connection
from sync.storage.looks import Look
from sync.storage.portfolio_details import HandoffNow, PortfolioDetail, TicketNow
from sync.storage.portfolios import AdSetCount, KeptPortfolio

UNSORTED = ""
"""Names the open tickets that are in no Ad Set."""


@dataclass(frozen=True)
class Found:
    """What one round of a pass found, of the portfolios that were decided; `contexts` are all that could be understood.

    One of which nobody can judge whom it waits for is left out of `waits`, and keeps what the pass before has said.
    """

    contexts: Mapping[RecordRef, Context]
    waits: Sequence[tuple[Portfolio, Wait | None]]
    look_alikes: Sequence[tuple[Portfolio, Sequence[LookAlike]]]
    portfolios: Sequence[KeptPortfolio]
    details: Sequence[PortfolioDetail]
    records: Mapping[str, Sequence[Record]]  # those of each portfolio (id) and of its tickets, as the CRM gave them
    group: Group
    portal: Portal
    looks: Mapping[RecordRef, Look]  # of each portfolio that is certain, what this look at it rests on


def found(
    contexts: Mapping[RecordRef, Context],
    decided: Mapping[RecordRef, Decision],
    waited_for: Sequence[tuple[Portfolio, Wait | None]],
    group: Group,
    portal: Portal,
) -> Found:
    """Take from what was read and decided what is to be kept."""
    mine = {record.id: contexts[record] for record in decided if record.kind is Kind.PORTFOLIO}
    records = {i: _records(context, group) for i, context in mine.items()}
    return Found(
        contexts,
        waited_for,
        [(context.portfolio, look_alikes(context)) for context in mine.values()],
        [_kept(context, records[i], portal) for i, context in mine.items()],
        [_detail(context, decided[context.portfolio.ref], portal) for context in mine.values()],
        records,
        group,
        portal,
        looks(contexts, [RecordRef(Kind.PORTFOLIO, i) for i in mine], waited_for, group, portal),
    )


def remember(connection: Connection, found: Found, mapping: ProcessMapping, now: datetime) -> None:
    """Write it down, in the place of what the pass before has found."""
    waits.remember(connection, found.waits, now)
    kept_look_alikes.remember(connection, found.look_alikes, now)
    _remember_identities(connection, found.contexts.values())
    fresh = portfolios.remember(connection, found.portfolios, now)
    portfolio_details.remember(connection, found.details)
    versions.remember(
        connection,
        (
            version
            for i in sorted(fresh)
            for record in found.records[i]
            for version in versions_to_keep(record, mapping, found.group.past, found.portal)
        ),
    )


def _remember_identities(connection: Connection, contexts: Iterable[Context]) -> None:
    """What tells, should these records be merged one day, which was which; and of those that were, which it was."""
    seen: dict[RecordRef, Mapping[str, list[int]]] = {}
    names: dict[RecordRef, str] = {}
    known: list[Former] = []
    for context in contexts:
        seen |= versions_of(context.snapshot)
        names |= names_of(context.snapshot)
        known += concluded(context.ledger)
    identities.see(connection, seen, names)
    identities.remember(connection, known)


def _records(context: Context, group: Group) -> list[Record]:
    refs = [context.portfolio.ref, *(ticket.ref for ticket in context.snapshot.tickets)]
    return [group.records[ref] for ref in refs if ref in group.records]


def _kept(context: Context, records: Sequence[Record], portal: Portal) -> KeptPortfolio:
    portfolio = context.portfolio
    status = portfolio.raw.get(context.mapping.portfolio.properties.status, "")
    vanished, unlisted = vanished_of(context), unlisted_of(context)
    return KeptPortfolio(
        id=portfolio.id,
        name=portfolio.name,
        url=portfolio.url,
        inside=portfolio.inside,
        status=portal.status_labels.get(status, status),
        refresh_date=portfolio.refresh_date,
        step=step_of(context),
        cycle_began=context.cycle_started,
        people={role: name for role in Role if (name := context.name_of(role))},
        ad_sets=tuple(_counts(context)),
        problems=(*misread_of(context), *vanished, *unlisted),
        vanished=vanished,
        history=mark_of(records),
        unlisted=unlisted,
    )


def _counts(context: Context) -> Iterable[AdSetCount]:
    for members in ad_sets(context).values():
        yield _count(name_of_set(members), members)
    homeless = [ticket for ticket in context.current_tickets if not ticket.folder_key]
    if homeless:
        yield _count(UNSORTED, homeless)


def _count(name: str, members: Sequence[Ticket]) -> AdSetCount:
    return AdSetCount(name, sum(ticket.stage is Stage.PENDING_APPROVAL for ticket in members), len(members))


def _detail(context: Context, decision: Decision, portal: Portal) -> PortfolioDetail:
    names = {ticket.ref: ticket.subject for ticket in context.snapshot.tickets}
    sets = {folder: name_of_set(members) for folder, members in ad_sets(context).items()}
    return PortfolioDetail(
        context.portfolio.id,
        tuple(_handoff(verdict, names.get(verdict.record, "")) for verdict in decision.verdicts),
        tuple(_ticket(context, portal, sets, ticket) for ticket in context.snapshot.tickets),
    )


def _handoff(verdict: Verdict, name: str) -> HandoffNow:
    """What is written down, or is about to be, is left to the ledger: it says what came of it."""
    recorded = verdict.occurrence is not None or verdict.state in {State.DONE, State.SUPERSEDED}
    key = verdict.key if recorded else None
    reason = verdict.reason if verdict.occurrence is None else verdict.occurrence.reason
    state = None if key is not None else verdict.state.value
    until = verdict.when if verdict.state is State.WAITING else None
    return HandoffNow(verdict.handoff, verdict.record, name, state, reason, until, key)


def _ticket(context: Context, portal: Portal, sets: Mapping[str, str], ticket: Ticket) -> TicketNow:
    left_out = why_left_out(context, ticket)
    return TicketNow(
        ticket.id,
        ticket.subject,
        ticket.url,
        "" if left_out else sets.get(ticket.folder_key, ""),
        stage_of(context, portal, ticket),
        ticket.stage_since,
        () if left_out else lacking(context, portal, ticket),
        left_out,
    )
