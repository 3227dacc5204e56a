"""What the service did, by the ledger."""

from collections.abc import Iterator, Mapping

from mappings.vocabulary import Handoff
from sync.admin.timeline.event import SERVICE, Event, day_in_words
from sync.admin.timeline.history import History
from sync.admin.timeline.labels import place_of
from sync.crm import TASK_SUBJECT, Kind
from sync.passes.deliverables import stage_label
from sync.passes.portal import Portal
from sync.rules import keys
from sync.rules.context import Context
from sync.rules.keys import ClosedKey, DeclinedKey, EffectKind, LateNotesKey
from sync.rules.model import EffectState, OccurrenceState, RecordedEffect, RecordedOccurrence


class ServiceEvents:
    """Reads the events of one portfolio from what the ledger has recorded of it."""

    def __init__(
        self, context: Context, history: History, portal: Portal, writes: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._context = context
        self._history = history
        self._portal = portal
        self._writes = writes

    def all(self) -> Iterator[Event]:
        """Every event, in no particular order."""
        for recorded in self._context.ledger.recorded.values():
            yield from self._occurrence(recorded)

    def _occurrence(self, recorded: RecordedOccurrence) -> Iterator[Event]:
        places = (
            () if recorded.record.kind is Kind.PORTFOLIO else (place_of(self._context, self._portal, recorded.record),)
        )
        if recorded.state is OccurrenceState.SUPERSEDED:
            is_slip = isinstance(keys.parse(recorded.key), DeclinedKey | ClosedKey)
            what = "took it for a slip: it ended nothing" if is_slip else "overtaken"
            yield Event(recorded.decided_at, SERVICE, what, "", places, recorded.handoff)
        elif not recorded.effects and isinstance(keys.parse(recorded.key), LateNotesKey):
            pass  # no Note came late
        elif not recorded.effects and recorded.state is OccurrenceState.DONE:
            what = "noted" if recorded.handoff is Handoff.CONFIRMED else "recorded as done, without a task"
            yield Event(recorded.decided_at, SERVICE, what, "", places, recorded.handoff)
        for effect in recorded.effects:
            words = self._effect(effect)
            if words is not None:
                trouble = effect.state not in {EffectState.DONE, EffectState.SENDING}
                text = f"{words} is {effect.state}" if trouble else words
                if effect.state is EffectState.SENDING:
                    text = f"{words}: HubSpot has taken it, and not said yet what became of it"
                yield Event(effect.state_at, SERVICE, text, "", places, recorded.handoff, trouble)

    def _effect(self, effect: RecordedEffect) -> str | None:
        """Say what was done; None for what was never tried, or was superseded."""
        if effect.state in {EffectState.PLANNED, EffectState.ATTEMPTING, EffectState.SUPERSEDED}:
            return None
        if effect.kind is EffectKind.WRITE:
            return self._write(self._writes.get(effect.key, {}))
        if effect.kind in {EffectKind.LINE, EffectKind.CLOSE}:
            task = self._history.tasks.get(effect.slot.of)
            subject = "" if task is None else task.properties.get(TASK_SUBJECT, "")
            named = f"task “{subject}”" if subject else f"task {effect.slot.of}"
            return f"{named} closed" if effect.kind is EffectKind.CLOSE else f"late Notes added to {named}"
        label = "" if effect.role is None else f" → {self._context.mapping.roles[effect.role].label}"
        what = effect.slot.of.replace("_", " ")
        return f"{'adopted ' if effect.adopted else ''}{effect.kind} {what}{label}"

    def _write(self, values: Mapping[str, str]) -> str:
        names, of_ticket = self._context.mapping.portfolio.properties, self._context.mapping.ticket.properties
        words = {
            names.status: "status",
            names.refresh_date: "Refresh Date",
            of_ticket.stage: "stage",
            of_ticket.needs_revisions: self._portal.words["needs_revisions"],
            of_ticket.copy_approval: "copy approval",
            of_ticket.graphic_approval: "graphic approval",
        }
        changes = []
        for name, value in values.items():
            shown = stage_label(self._portal, value) if name == of_ticket.stage else value
            shown = self._portal.status_labels.get(value, value) if name == names.status else shown
            shown = day_in_words(value) if name == names.refresh_date else f"“{shown}”"
            changes.append(f"{words.get(name, name)} set to {shown}" if value else f"{words.get(name, name)} emptied")
        return ", ".join(changes)
