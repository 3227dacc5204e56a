"""How a task carries the key of its effect in this portal: in a property of its own, or in a mark at the end of its body.

The mapping says by which of the two new tasks carry it. Both are read, whatever it says: it may have said otherwise when a
task was made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from mappings.schema import ProcessMapping
from mappings.vocabulary import KeyCarrier
from sync.clock import to_ms
from sync.crm import CREATED, SOURCE, SOURCE_ID, TASK_BODY, Filter, Record
from sync.rules.task_marks import marks_in, with_mark

MADE_BY_APP: Final = "INTEGRATION"
"""What `hs_object_source` says of a record that an app has made through the API (docs/hubspot.md 4.19)."""

_APPS: Final = frozenset({MADE_BY_APP, "API"})


@dataclass(frozen=True, slots=True)
class TaskKeys:
    """How keys are carried. `defined`: the properties that this portal's tasks have; `app_id` None: it is not known."""

    carrier: KeyCarrier
    key_property: str
    defined: frozenset[str]
    app_id: str | None = None

    @property
    def ready(self) -> bool:
        """Whether a task can be given its key; without that none may be made."""
        return self.carrier is KeyCarrier.BODY or self._has_property

    @property
    def names(self) -> list[str]:
        """The properties of a task that are to be read to tell its key."""
        optional = (self.key_property, SOURCE, SOURCE_ID)
        return [TASK_BODY, *(name for name in optional if name in self.defined)]

    def of(self, record: Record) -> str:
        """The key of a task that was read with `names`; '' for one that the service did not make, or that has lost it."""
        return (self._all_of(record) or ("",))[-1]

    def assign(self, records: Iterable[Record]) -> dict[str, Record]:
        """Each key with the task that carries it. Of several it is the one that carries no other, and then the oldest."""
        carriers: dict[str, list[tuple[int, int, Record]]] = {}
        for record in records:
            keys = self._all_of(record)
            for key in keys:
                carriers.setdefault(key, []).append((len(keys), int(record.id), record))
        return {key: min(found, key=lambda one: one[:2])[2] for key, found in carriers.items()}

    def is_ours(self, record: Record) -> bool:
        """Whether the CRM says that an app has made it, and, as far as it says which, this one."""
        app = record.properties.get(SOURCE_ID, "")
        is_other = self.app_id is not None and app not in {"", self.app_id}
        return record.properties.get(SOURCE, "") in _APPS and not is_other

    def carried(self, key: str, body: str) -> Mapping[str, str]:
        """The properties by which a new task has this body and carries this key."""
        if self.carrier is KeyCarrier.BODY:
            return {TASK_BODY: with_mark(body, key)}
        return {TASK_BODY: body, self.key_property: key}

    def searches(self, since: datetime | None = None, *, by_source: bool = True) -> list[list[Filter]]:
        """The conditions, any of which holds of every task that may carry a key; only of those made at `since` or later.

        Without `by_source` what a task was made by is not asked for: a mark is then found by none of them.
        """
        newer = [] if since is None else [Filter(CREATED, "GTE", str(to_ms(since)))]
        groups: list[list[Filter]] = []
        if self._has_property:
            groups.append([Filter(self.key_property, "HAS_PROPERTY"), *newer])
        if by_source and (source := self._by_source()):
            groups.append([*source, *newer])
        return groups

    def searches_for(self, keys: Sequence[str], since: datetime) -> list[list[Filter]]:
        """The same for these keys alone, and where a key cannot be searched for, for what was made at `since` or later."""
        if self.carrier is KeyCarrier.PROPERTY and self._has_property:
            return [[Filter(self.key_property, "IN", values=tuple(keys))]]
        return self.searches(since)

    def _by_source(self) -> list[Filter]:
        """What an app has made; where keys are in a property, only if it can be told which: other apps make tasks too."""
        if SOURCE not in self.defined or (self.carrier is KeyCarrier.PROPERTY and self.app_id is None):
            return []
        if self.app_id is not None and SOURCE_ID in self.defined:
            return [Filter(SOURCE_ID, "EQ", self.app_id)]
        return [Filter(SOURCE, "EQ", MADE_BY_APP)]

    @property
    def _has_property(self) -> bool:
        return self.key_property in self.defined

    def _all_of(self, record: Record) -> tuple[str, ...]:
        """The keys that it carries. A body that a person has copied says nothing: the service has not made that task."""
        own = record.properties.get(self.key_property, "") if self._has_property else ""
        if own:
            return (own,)
        if record.properties.get(SOURCE, "") not in {"", *_APPS}:
            return ()
        return marks_in(record.properties.get(TASK_BODY, ""))


def task_keys(mapping: ProcessMapping, defined: Iterable[str], app_id: str | None) -> TaskKeys:
    """Tell how tasks carry their keys, by the mapping and by what the portal has."""
    return TaskKeys(mapping.task.key_carrier, mapping.task.key_property, frozenset(defined), app_id)
