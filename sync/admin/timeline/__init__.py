"""What happened in a cycle, in order: what people did, by the CRM's own history, and what the service did because of it.

A write of the service stands in both, the history (`crm_events`) and the ledger (`service_events`): the latter has it.
"""

from collections.abc import Mapping

from sync.admin.timeline.crm_events import CrmEvents
from sync.admin.timeline.event import Event, Place, join
from sync.admin.timeline.history import History, read
from sync.admin.timeline.labels import stage_label
from sync.admin.timeline.service_events import ServiceEvents
from sync.passes.portal import Portal
from sync.rules.context import Context

__all__ = ["Event", "History", "Place", "build", "read", "stage_label"]


def build(
    context: Context, history: History, portal: Portal, app_id: str | None, writes: Mapping[str, Mapping[str, str]]
) -> tuple[Event, ...]:
    """Put together the events of the current cycle, oldest first.

    `app_id`: the service's own app; None: every integration's change counts as the service's. `writes`: the values that
    each property write has set, by the effect's key.
    """
    events = [
        *CrmEvents(context, history, portal, app_id, writes).all(),
        *ServiceEvents(context, history, portal, writes).all(),
    ]
    began = context.cycle_started
    of_cycle = [event for event in events if began is None or event.at >= began]
    return tuple(join(sorted(of_cycle, key=lambda event: (event.at, event.handoff is not None))))
