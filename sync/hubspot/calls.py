"""What every kind of call shares: one transport and priority, and the ids by which HubSpot knows objects."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Final

from mappings.names import same_to_the_eye
from sync.crm import AssociationType, Kind
from sync.errors import MappingMisfitError
from sync.hubspot import answers
from sync.hubspot.ahead import Send, sent_ahead
from sync.hubspot.answers import Json, MalformedAnswerError
from sync.hubspot.ask import Answer, Ask
from sync.hubspot.transport import Transport
from sync.storage.budget import Priority

API_VERSION: Final = "2026-09"
"""The one version of HubSpot's API that is spoken; a version is supported for about 18 months."""

LIST_PAGE: Final = 100

ASSOCIATION_BATCH: Final = 1000

_PAGES_AT_MOST: Final = 1000
"""Pages of one list: nobody has as many definitions, or deleted tasks, as more would hold."""

_TYPE_IDS: Final = {Kind.TICKET: "0-5", Kind.TASK: "0-27", Kind.NOTE: "0-46"}
_ASSOCIATION_TYPES: Final = {
    (Kind.TASK, Kind.TICKET): AssociationType("HUBSPOT_DEFINED", 230),
    (Kind.NOTE, Kind.TICKET): AssociationType("HUBSPOT_DEFINED", 228),
}

_ID: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_TYPE_ID: Final = re.compile(r"[0-9]+-[0-9]+", re.ASCII)


def is_id(text: str) -> bool:
    """Tell whether a record can have this id: HubSpot refuses a whole batch for one that is no number."""
    return _ID.fullmatch(text) is not None


class Calls:
    """Sends at one priority. `portfolio_object` and `at_once`: see `HubSpot`. Threads may share it."""

    def __init__(
        self,
        transport: Transport,
        portfolio_object: str,
        priority: Priority,
        *,
        tells_of_no_associations: bool = False,
        on_none_told: Callable[[], None] = lambda: None,
        at_once: int = 1,
    ) -> None:
        self.transport = transport
        self._at_once = at_once
        self._portfolio_object = portfolio_object
        self._priority = priority
        self._type_ids: dict[Kind, str] = dict(_TYPE_IDS)
        self._labels: dict[Kind, str] = {}
        self._association_types: dict[tuple[Kind, Kind], AssociationType] = dict(_ASSOCIATION_TYPES)
        self.lists_empty_histories = False
        """Whether the portal was seen to show the history of a property that was never set (docs/hubspot.md 4.6)."""
        self.tells_of_no_associations = tells_of_no_associations
        """Whether the portal was seen to say of a record that it has no associations (docs/hubspot.md 5.2)."""
        self._on_none_told = on_none_told
        self.association_batch = ASSOCIATION_BATCH
        """How many inputs a read of associations has: fewer once the portal was seen to refuse so many (docs/hubspot.md 5.1)."""
        self.silences = 0
        """Of how many records without associations the portal has said nothing, however often it was asked."""

    def send(self, ask: Ask) -> Answer:
        """Send one call and give its answer; raises as `Transport.send`."""
        return self.transport.send(ask, self._priority)

    def ahead(self, asks: Sequence[Ask]) -> AbstractContextManager[Send]:
        """Give what sends calls, of which these, that only read and do not depend on each other, go side by side."""
        return sent_ahead(asks, self.send, self._at_once)

    def note_none_told(self) -> None:
        """Note that the portal says of a record that it has no associations."""
        if not self.tells_of_no_associations:
            self.tells_of_no_associations = True
            self._on_none_told()

    def objects(self, kind: Kind, verb: str, body: Json, *, write: bool = False, brief: bool = False) -> Ask:
        """Make a call on a batch of records, to be sent; raises as `type_id`."""
        path = f"/crm/objects/{API_VERSION}/{self.type_id(kind)}/batch/{verb}"
        return Ask("POST", path, f"{kind}/{verb}", body=body, write=write, listing=True, brief=brief)

    def listed(self, ask: Ask) -> Iterator[Json]:
        """Send one call a page, and give the objects of all pages of a list."""
        after: str | None = None
        seen: set[str | None] = set()
        while True:
            seen.add(after)
            query = dict(ask.query or {}) | ({} if after is None else {"after": after})
            page = Ask(ask.method, ask.path, ask.endpoint, query=query, bucket=ask.bucket, listing=True)
            body = self.send(page).body
            yield from answers.results(body)
            after = answers.next_page(body)
            if after is None:
                return
            if after in seen or len(seen) >= _PAGES_AT_MOST:
                raise MalformedAnswerError(f"{ask}: the pages do not end")

    def association_type(self, source: Kind, target: Kind) -> AssociationType:
        """Read the unlabelled type by which a record of one kind is associated to another; of custom objects it is read once.

        Raises `MappingMisfitError` where the two objects cannot be associated.
        """
        known = self._association_types.get((source, target))
        if known is None:
            path = f"/crm/associations/{API_VERSION}/{self.type_id(source)}/{self.type_id(target)}/labels"
            rows = list(self.listed(Ask("GET", path, f"associations/{source}-{target}/labels", listing=True)))
            plain = next((row for row in rows if not row.get("label")), None)
            if plain is None:
                raise MappingMisfitError(
                    f"a {source} cannot be associated to a {target} in this portal: no association without a label"
                )
            known = AssociationType(answers.required(plain, "category"), int(answers.required(plain, "typeId")))
            self._association_types[source, target] = known
        return known

    def type_id(self, kind: Kind) -> str:
        """Read the object type id; the portfolio's is looked up once. `MappingMisfitError` names the objects that exist."""
        if kind not in self._type_ids:
            self._type_ids[kind] = self._portfolio_type_id()
        return self._type_ids[kind]

    def label(self, kind: Kind) -> str:
        """Read what people call one record of the kind, with its type id; '' where that is not told. Raises as `type_id`."""
        self.type_id(kind)
        return self._labels.get(kind, "")

    def _portfolio_type_id(self) -> str:
        path = f"/crm-object-schemas/{API_VERSION}/schemas"
        schemas = [raw for raw in self.listed(Ask("GET", path, "schemas", listing=True)) if not raw.get("archived")]
        for names in (_exact_names, _labels):
            matches = {answers.required(raw, "objectTypeId") for raw in schemas if names(raw, self._portfolio_object)}
            if len(matches) > 1:
                raise MappingMisfitError(
                    f"the mapping's portfolio object {self._portfolio_object!r} is the label of several objects "
                    f"({', '.join(sorted(matches))}): give one's name or type id"
                )
            for found in matches:
                if not _TYPE_ID.fullmatch(found):
                    raise MalformedAnswerError(f"GET {path}: {found!r} is no object type id")
                schema = next(raw for raw in schemas if raw.get("objectTypeId") == found)
                self._labels[Kind.PORTFOLIO] = answers.text(answers.child(schema, "labels"), "singular").strip()
                return found
        existing = ", ".join(sorted(answers.text(raw, "name") for raw in schemas)) or "none"
        raise MappingMisfitError(
            f"the portal has no custom object {self._portfolio_object!r} (portfolio.object in the mapping); "
            f"its custom objects: {existing}"
        )


class PartOfPort:
    """A part of the port `sync.crm.CRM`, which the client puts together."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls


def _exact_names(schema: Json, name: str) -> bool:
    return name in {answers.text(schema, key) for key in ("fullyQualifiedName", "objectTypeId", "name")}


def _labels(schema: Json, name: str) -> bool:
    labels = answers.child(schema, "labels")
    return any(same_to_the_eye(name, answers.text(labels, key)) for key in ("singular", "plural"))
