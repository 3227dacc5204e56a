"""What happened in a cycle, in order: what people did, by the CRM's own history, and what the service did because of it.

A write of the service stands in both, the history (`crm_events`) and the ledger (`service_events`): the latter has it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from mappings.vocabulary import Handoff
from sync.admin.timeline.crm_events import CrmEvents
from sync.admin.timeline.event import Event, Place, join
from sync.admin.timeline.history import History, read
from sync.admin.timeline.service_events import ServiceEvents
from sync.passes.portal import Portal
from sync.rules.context import Context

__all__ = ["Event", "History", "Place", "build", "build_before", "build_earlier", "read"]

_ENDS = frozenset({Handoff.DECLINED, Handoff.CLOSE, Handoff.CONFIRMATION})
"""What is done at the end of a cycle is no work for the next one."""

_KEPT = timedelta(days=7)
"""So long a cycle that has ended is shown, though the next one be under way."""


def build(
    context: Context, history: History, portal: Portal, app_id: str | None, writes: Mapping[str, Mapping[str, str]]
) -> tuple[Event, ...]:
    """Put together the events of the current cycle, oldest first.

    `app_id`: the service's own app; None: every integration's change counts as the service's. `writes`: the values that
    each property write has set, by the effect's key.
    """
    events = _all(context, history, portal, app_id, writes)
    began = context.cycle_started
    return _joined(event for event in events if began is None or event.at >= began)


def build_before(
    context: Context, history: History, portal: Portal, app_id: str | None, writes: Mapping[str, Mapping[str, str]]
) -> tuple[Event, ...]:
    """The events of the cycle that has just ended: for a week, and for as long as nothing was done for the next one.

    After that, and in the first cycle that is known: none. The parameters are those of `build`.
    """
    began = context.cycle_started
    if began is None:
        return ()
    recorded = context.ledger.recorded.values()
    under_way = any(one.cycle == context.cycle and one.handoff not in _ENDS for one in recorded)
    if under_way and context.times.now - began > _KEPT:
        return ()
    since = max((closing.at for closing in context.closings if closing.at < began), default=None)
    events = _all(context, history, portal, app_id, writes)
    return _joined(event for event in events if event.at < began and (since is None or event.at >= since))


def build_earlier(
    context: Context,
    history: History,
    portal: Portal,
    app_id: str | None,
    writes: Mapping[str, Mapping[str, str]],
    *,
    since: datetime | None,
    until: datetime,
) -> tuple[Event, ...]:
    """The events of a cycle that lasted from `since` (None: as far back as is known) to `until`, oldest first.

    What ended it belongs to it, and so does what the service did because of that.
    """
    after = min((closing.at for closing in context.closings if closing.at > until), default=None)

    def belongs(event: Event) -> bool:
        if event.at > until:
            return event.handoff in _ENDS and (after is None or event.at <= after)
        return (since is None or event.at > since) and event.handoff not in _ENDS - {Handoff.CLOSE}

    return _joined(filter(belongs, _all(context, history, portal, app_id, writes)))


def _all(
    context: Context, history: History, portal: Portal, app_id: str | None, writes: Mapping[str, Mapping[str, str]]
) -> list[Event]:
    return [
        *CrmEvents(context, history, portal, app_id, writes).all(),
        *ServiceEvents(context, history, portal, writes).all(),
    ]


def _joined(events: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(join(sorted(events, key=lambda event: (event.at, event.handoff is not None))))
