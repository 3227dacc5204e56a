"""What stands behind one portfolio: what happened in its cycle, and for each handoff what the rules say of it now.

The verdicts are those of a pass, made in the same way; nothing is recorded, enqueued or sent. `explanation` is the answer,
`rule_results` puts the ledger's effects beside the verdicts, `ad_sets` shows the tickets, and `sync.admin.timeline` what
happened.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Literal

from sync.admin import timeline
from sync.admin.explain import ad_sets
from sync.admin.explain.explanation import (
    AdSet,
    Deliverable,
    EffectLine,
    Explanation,
    HandoffLine,
    LeftOut,
    MadeOf,
    RuleResult,
)
from sync.admin.explain.rule_results import RuleResults
from sync.admin.portfolios import NoSuchPortfolioError
from sync.clock import start_of_day
from sync.crm import Kind, RecordRef
from sync.errors import CRMRejectedError, HandoffsError, last_line
from sync.passes.decider import Preview
from sync.passes.portal import Portal
from sync.rules import waiting
from sync.rules.context import Context
from sync.rules.cycle import cycle_id
from sync.rules.handoffs.ad_sets import look_alikes
from sync.rules.keys import EffectKind
from sync.rules.model import Verdict, Wait
from sync.rules.standing import problems_of
from sync.service.reading import ReadingService
from sync.storage import ledger, work_queue
from sync.storage.database import Connection

__all__ = [
    "PREVIOUS",
    "AdSet",
    "Deliverable",
    "EffectLine",
    "Explanation",
    "HandoffLine",
    "LeftOut",
    "MadeOf",
    "NoSuchCycleError",
    "RuleResult",
    "explain",
]


PREVIOUS = "previous"
"""Names the cycle before the one that is under way."""


class NoSuchCycleError(HandoffsError):
    """No cycle of this portfolio that is known was under way then."""


def explain(service: ReadingService, portfolio: str, cycle: date | Literal["previous"] | None = None) -> Explanation:
    """Decide for this portfolio (its id) as a pass would, and put the ledger's effects beside each verdict.

    `cycle` is an earlier one, the `PREVIOUS` or that of a day (where one ended on it, that one): what happened in it, and
    what was recorded of it. Raises `NoSuchPortfolioError`, `NoSuchCycleError`, `CRMRejectedError` where it cannot be
    decided, and the port's other errors.
    """
    preview = service.decider.preview([portfolio])
    asked = RecordRef(Kind.PORTFOLIO, portfolio)
    if asked in preview.group.merged:
        preview = service.decider.preview([preview.group.merged[asked].id])
    for record, text in preview.faulty.items():
        why = last_line(text).removeprefix(f"{record}: ")
        raise CRMRejectedError(f"{record} cannot be decided, none of its handoffs: {why}")
    for record, decision in preview.decisions.items():
        context = preview.contexts[record]
        with service.store.read() as connection:
            queued = work_queue.find(connection, [record]).get(record)
            writes, owners = _written_values(connection, context), _owners(connection, context)
        history = timeline.read(service.crm, context)
        app = service.settings.hubspot_app_id
        results = RuleResults(context, preview.portal, writes, owners, history.tasks)
        since, until = _bounds(context, cycle)
        if until is not None:
            events = timeline.build_earlier(context, history, preview.portal, app, writes, since=since, until=until)
            return _of_earlier(context, since, until, events, results)
        return Explanation(
            context.times.now,
            context.portfolio,
            context.cycle_started,
            _wait(service, preview.portal, context, decision.verdicts),
            timeline.build_before(context, history, preview.portal, app, writes),
            timeline.build(context, history, preview.portal, app, writes),
            results.of(decision.verdicts),
            tuple(ad_sets.standing(context, preview.portal)),
            tuple(ad_sets.left_out(context)),
            queued,
            _problems(preview, context),
            tuple(look_alikes(context)),
            made_of=tuple(_made_of(context)),
        )
    raise NoSuchPortfolioError(f"there is no portfolio {portfolio}")


def _bounds(context: Context, cycle: date | Literal["previous"] | None) -> tuple[datetime | None, datetime | None]:
    """When the wanted cycle began and ended; ended None: it is the one that is under way. Raises `NoSuchCycleError`."""
    ends = [closing.at for closing in context.closings]
    if cycle is None or (isinstance(cycle, date) and cycle > context.times.today):
        return None, None
    if not ends and not isinstance(cycle, date):
        raise NoSuchCycleError(f"“{context.portfolio.name}” has no earlier cycle: the first that is known is under way")
    moment = start_of_day(cycle, context.mapping.zone) if isinstance(cycle, date) else ends[-1]
    until = next((end for end in ends if end >= moment), None)
    since = max((end for end in ends if until is not None and end < until), default=None)
    return since, until


def _of_earlier(
    context: Context, since: datetime | None, until: datetime, events: tuple[timeline.Event, ...], results: RuleResults
) -> Explanation:
    """What is known of a cycle that is over: nobody waits, and no rule decides."""
    return Explanation(
        context.times.now,
        context.portfolio,
        since,
        wait=None,
        before=(),
        timeline=events,
        handoffs=results.of_cycle(cycle_id(since)),
        ad_sets=(),
        left_out=(),
        queued=None,
        problems=(),
        worth_a_look=(),
        cycle_ended=until,
        made_of=tuple(_made_of(context)),
    )


def _wait(service: ReadingService, portal: Portal, context: Context, verdicts: Sequence[Verdict]) -> Wait | None:
    judged, faulty = service.decider.judge(
        {context.snapshot.ref: context}, portal, lambda fuller: waiting.judge(fuller, verdicts, closely=True)
    )
    for record, text in faulty.items():
        raise CRMRejectedError(f"nobody can tell whom {record} waits for: {last_line(text)}")
    return judged[context.snapshot.ref].wait


def _made_of(context: Context) -> Iterator[MadeOf]:
    """The records that the portfolio and its tickets were made of, in the order of the merges."""
    for one in context.ledger.former:
        ancestry = context.ledger.ancestries.get(context.ledger.current(one.record))
        yield MadeOf(one.record, one.into, ancestry is not None and one.record in ancestry.line, one.at)


def _problems(preview: Preview, context: Context) -> tuple[str, ...]:
    found = list(problems_of(context))
    if not preview.portal.task_keys.ready:
        name = context.mapping.task.key_property
        found.append(f"the task property “{name}” is missing in the portal, so nothing is done: `handoffs setup`")
    return tuple(found)


def _owners(connection: Connection, context: Context) -> dict[str, str]:
    """Whose work each task and each email is (an owner's id), by the effect's key."""
    kinds = {EffectKind.TASK, EffectKind.EMAIL}
    recorded = context.ledger.recorded.values()
    wanted = [effect.key for one in recorded for effect in one.effects if effect.kind in kinds]
    found = ledger.payloads(connection, wanted)
    return {key: str(payload["owner"]) for key, payload in found.items() if payload.get("owner")}


def _written_values(connection: Connection, context: Context) -> dict[str, dict[str, str]]:
    """What each property write of this context sets, by the effect's key."""
    keys = [
        effect.key
        for recorded in context.ledger.recorded.values()
        for effect in recorded.effects
        if effect.kind is EffectKind.WRITE
    ]
    return {key: payload.get("values", {}) for key, payload in ledger.payloads(connection, keys).items()}
