"""The port `sync.crm.CRM`, spoken to HubSpot's API of one version.

Reads answer for every id or raise; writes give one outcome for each item and are never sent twice unless HubSpot
certainly did nothing. Paths, batch sizes and type ids are those of HubSpot's API reference for that version.
"""

import contextlib
import copy
import heapq
import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, TypeVar

import requests

from sync.clock import Clock
from sync.crm import (
    Account,
    Applied,
    Association,
    AssociationType,
    Create,
    Filter,
    Kind,
    NotSent,
    Outcome,
    Owner,
    Pipeline,
    PipelineStage,
    PropertyDefinition,
    Record,
    RecordRef,
    Rejected,
    Unknown,
    Update,
)
from sync.errors import (
    AuthenticationError,
    CRMRejectedError,
    CRMUnavailableError,
    HandoffsError,
    MappingMisfitError,
    PartialAnswerError,
)
from sync.hubspot import answers, search
from sync.hubspot.answers import Json, MalformedAnswerError, Sorted
from sync.hubspot.transport import Answer, Ask, Call, NoAnswerError, RefusalError, RequestBudget, Retries, Transport
from sync.storage.budget import Bucket, Priority

API_VERSION: Final = "2026-09"
"""The one version of HubSpot's API that is spoken; a version is supported for about 18 months."""

_TYPE_IDS: Final = {Kind.TICKET: "0-5", Kind.TASK: "0-27", Kind.NOTE: "0-46"}
_ASSOCIATION_TYPES: Final = {
    (Kind.TASK, Kind.TICKET): AssociationType("HUBSPOT_DEFINED", 230),
    (Kind.NOTE, Kind.TICKET): AssociationType("HUBSPOT_DEFINED", 228),
}

_READ_BATCH: Final = 100
_HISTORY_BATCH: Final = 50
_WRITE_BATCH: Final = 100
_ASSOCIATION_BATCH: Final = 1000
_LIST_PAGE: Final = 100

_HALVED: Final = {400, 404, 409}
"""Statuses by which one bad row fails a whole batch."""

_EMAIL_ACCEPTED: Final = {"SENT", "QUEUED", "IDEMPOTENT_IGNORE"}
_EMAIL_UNDECIDED: Final = {"THROTTLED", "PORTAL_OVER_LIMIT", "IDEMPOTENT_FAIL"}

_ID: Final = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_TYPE_ID: Final = re.compile(r"[0-9]+-[0-9]+", re.ASCII)

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Row:
    """One input of a write: its place among the caller's, what the answer calls it, and how it is sent."""

    place: int
    mark: str
    wire: Json


class HubSpot:
    """HubSpot as the service's CRM. One is enough for a process; threads may share it.

    `portfolio_object` is the mapping's name for the custom object: its schema's fully qualified name, name, type id or
    label. `clock` must be the machine's own: retries and the budget wait by it.
    """

    def __init__(
        self,
        *,
        token: str,
        portfolio_object: str,
        budget: RequestBudget,
        clock: Clock,
        base_url: str = "https://api.hubapi.com",
        session: requests.Session | None = None,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        retries: Retries = Retries(),  # noqa: B008 (frozen)
        jitter: random.Random | None = None,
        priority: Priority = Priority.INTERACTIVE,
        on_call: Callable[[Call], None] | None = None,
        pool_size: int = 10,
    ) -> None:
        self._transport = Transport(
            token=token,
            base_url=base_url,
            budget=budget,
            clock=clock,
            session=session,
            timeout=(connect_timeout, read_timeout),
            retries=retries,
            jitter=jitter if jitter is not None else random.Random(),  # noqa: S311 (spreads retries, guards nothing)
            on_call=on_call,
            pool_size=pool_size,
        )
        self._portfolio_object = portfolio_object
        self._priority = priority
        self._type_ids: dict[Kind, str] = dict(_TYPE_IDS)
        self._association_types: dict[tuple[Kind, Kind], AssociationType] = dict(_ASSOCIATION_TYPES)

    @property
    def calls(self) -> int:
        """HTTP requests sent so far, repeated ones too, at every priority."""
        return self._transport.calls

    def at(self, priority: Priority) -> "HubSpot":
        """The same client, connections and caches, taking from the budget at this priority."""
        other = copy.copy(self)
        other._priority = priority
        return other

    def close(self) -> None:
        """Close the connections; they open again when needed."""
        self._transport.close()

    # Reading ----------------------------------------------------------------------------------------------------------

    def read(
        self, kind: Kind, ids: Sequence[str], properties: Sequence[str], history: Sequence[str] = ()
    ) -> dict[str, Record]:
        """Read by id; see the port. An id that cannot be one (not a decimal number) is a record that does not exist."""
        found: dict[str, Record] = {}
        wanted: Json = {"properties": list(dict.fromkeys((*properties, *history, answers.MERGED)))}
        if history:
            wanted["propertiesWithHistory"] = list(dict.fromkeys(history))
        for batch in _chunks(_possible(ids), _HISTORY_BATCH if history else _READ_BATCH):
            found.update(self._read_batch(kind, batch, wanted))
        return found

    def _read_batch(self, kind: Kind, ids: Sequence[str], wanted: Json) -> dict[str, Record]:
        ask = self._objects(kind, "read", {**wanted, "inputs": [{"id": id_} for id_ in ids]})
        answer = self._send(ask)
        raws = answers.results(answer.body)
        by_id = {record.id: record for record in (answers.record(kind, raw) for raw in raws)}
        archived = {answers.text(raw, "id") for raw in raws if answers.truth(raw.get("archived"))}
        outcome = answers.sort_out(ids, by_id, answer.problems, _merged_into, trust_counts=True)
        _raise_unless(ask, answer, lambda problem: problem.not_found)
        found = {id_: record for id_, record in outcome.found.items() if record.id not in archived}
        for batch in self._one_by_one(ask, ids, outcome):
            found.update(self._read_batch(kind, batch, wanted))
        return found

    def associated(self, source: Kind, target: Kind, ids: Sequence[str]) -> dict[str, tuple[Association, ...]]:
        """The associations of each source record; see the port. Types and labels of one far end are gathered."""
        ends: dict[str, dict[str, Association]] = {}
        waiting: list[tuple[str, str | None]] = [(id_, None) for id_ in _possible(ids)]
        while waiting:
            batch, waiting = waiting[:_ASSOCIATION_BATCH], waiting[_ASSOCIATION_BATCH:]
            waiting += self._associated_batch(source, target, batch, ends)
        return {id_: tuple(found.values()) for id_, found in ends.items()}

    def _associated_batch(
        self,
        source: Kind,
        target: Kind,
        batch: Sequence[tuple[str, str | None]],
        ends: dict[str, dict[str, Association]],
    ) -> list[tuple[str, str | None]]:
        """Read one page of each input into `ends`; the pages that follow."""
        cursors = dict(batch)
        ask = Ask(
            "POST",
            f"/crm/associations/{API_VERSION}/{self.type_id(source)}/{self.type_id(target)}/batch/read",
            f"associations/{source}-{target}/read",
            body={"inputs": [{"id": id_} if after is None else {"id": id_, "after": after} for id_, after in batch]},
            bucket=None,
            listing=True,
        )
        answer = self._send(ask)
        results = answers.results(answer.body)
        by_id = {answers.required(answers.child(raw, "from"), "id"): raw for raw in results}
        outcome = answers.sort_out(list(cursors), by_id, answer.problems, trust_counts=True)
        _raise_unless(ask, answer, lambda problem: problem.no_associations or problem.not_found)
        following: list[tuple[str, str | None]] = []
        for id_, raw in outcome.found.items():
            _gather(ends.setdefault(id_, {}), answers.association_ends(raw))
            after = answers.next_page(raw)
            if after is not None and after == cursors[id_]:
                raise MalformedAnswerError(f"{ask}: the pages of {source} {id_} do not end")
            if after is not None:
                following.append((id_, after))
        for id_, problem in outcome.named.items():
            if problem.no_associations:
                ends.setdefault(id_, {})
            else:
                ends.pop(id_, None)
        for alone in self._one_by_one(ask, list(cursors), outcome):
            following += self._associated_batch(source, target, [(id_, cursors[id_]) for id_ in alone], ends)
        return following

    def _one_by_one(self, ask: Ask, ids: Sequence[str], outcome: Sorted[T]) -> list[list[str]]:
        """The ids of which an answer says nothing, to be asked alone, where a merged one can be told.

        One that even then has no answer is an error: unknown is not absent.
        """
        if outcome.unexplained and len(ids) == 1:
            raise MalformedAnswerError(f"{ask}: the answer says nothing of {ids[0]}")
        return [[id_] for id_ in outcome.unexplained]

    def search(
        self, kind: Kind, groups: Sequence[Sequence[Filter]], properties: Sequence[str] = ()
    ) -> Iterator[Record]:
        """Every match of any group by rising id; see the port. However many: pages are turned by a moving bound."""
        searches = [self._search(kind, part, properties) for part in search.requests_for(groups, properties)]
        merged = heapq.merge(*searches, key=lambda record: int(record.id))
        return (next(same) for _, same in groupby(merged, key=lambda record: record.id))

    def _search(self, kind: Kind, groups: Sequence[Sequence[Filter]], properties: Sequence[str]) -> Iterator[Record]:
        above = 0
        while True:
            ask = Ask(
                "POST",
                f"/crm/objects/{API_VERSION}/{self.type_id(kind)}/search",
                f"{kind}/search",
                body=search.body(groups, properties, str(above)),
                bucket=Bucket.SEARCH,
                listing=True,
            )
            answer = self._send(ask)
            page = [answers.record(kind, raw) for raw in answers.results(answer.body)]
            ids = [int(record.id) for record in page if _ID.fullmatch(record.id)]
            if len(ids) < len(page) or ids != sorted(set(ids)) or (ids and ids[0] <= above):
                raise MalformedAnswerError(f"{ask}: the matches do not come by rising id, so that some may be missed")
            yield from page
            if not page or (len(page) < search.PAGE and answers.next_page(answer.body) is None):
                return
            above = ids[-1]

    # Writing ----------------------------------------------------------------------------------------------------------

    def update(self, kind: Kind, updates: Sequence[Update]) -> list[Outcome]:
        """Patch; see the port. Two updates of one record go in two calls, in order, so that its history shows both."""
        rows: list[_Row] = []
        outcomes: dict[int, Outcome] = {}
        for place, one in enumerate(updates):
            if _ID.fullmatch(one.id):
                wire = {"id": one.id, "objectWriteTraceId": one.id, "properties": dict(one.properties)}
                rows.append(_Row(place, one.id, wire))
            else:
                outcomes[place] = Rejected(f"{kind} {one.id[:40]!r}: this is no record's id", missing=True)
        self._write(kind, "update", rows, outcomes)
        return [outcomes[place] for place in range(len(updates))]

    def create(self, kind: Kind, creates: Sequence[Create]) -> list[Outcome]:
        """Create with associations; see the port. Needs an unlabelled association type for each pair of kinds."""
        rows: list[_Row] = []
        outcomes: dict[int, Outcome] = {}
        for place, one in enumerate(creates):
            try:
                associations = [self._inline(kind, ref) for ref in one.to]
            except AuthenticationError:
                raise
            except HandoffsError as error:  # the way to the CRM, or the portal, is to be mended: nothing was sent
                outcomes[place] = NotSent(str(error))
            except ValueError as error:
                outcomes[place] = Rejected(str(error), missing=True)
            else:
                wire = {
                    "objectWriteTraceId": one.trace,
                    "properties": dict(one.properties),
                    "associations": associations,
                }
                rows.append(_Row(place, one.trace, wire))
        self._write(kind, "create", rows, outcomes)
        return [outcomes[place] for place in range(len(creates))]

    def _inline(self, kind: Kind, ref: RecordRef) -> Json:
        if not _ID.fullmatch(ref.id):
            raise ValueError(f"{ref.kind} {ref.id[:40]!r}: this is no record's id")
        known = self.association_type(kind, ref.kind)
        types = [{"associationCategory": known.category, "associationTypeId": known.type_id}]
        return {"to": {"id": ref.id}, "types": types}

    def _write(self, kind: Kind, verb: str, rows: Sequence[_Row], outcomes: dict[int, Outcome]) -> None:
        """Send the rows in batches in which no mark stands twice, until something stops it all.

        Once something may have been applied nothing raises, or what became of it would be lost.
        """
        doubtful: set[str] = set()
        try:
            for batch in _distinct_batches(rows, _WRITE_BATCH):
                for row in batch:
                    if row.mark in doubtful:
                        outcomes[row.place] = NotSent(f"{kind} {row.mark}: an earlier write to it may still be applied")
                ready = [row for row in batch if row.place not in outcomes]
                if ready:
                    self._write_batch(kind, verb, ready, outcomes)
                    doubtful |= {row.mark for row in ready if isinstance(outcomes[row.place], Unknown)}
        except HandoffsError as error:
            if isinstance(error, AuthenticationError) and not any(map(_maybe_applied, outcomes.values())):
                raise
            for row in rows:
                outcomes.setdefault(row.place, NotSent(str(error)))

    def _write_batch(self, kind: Kind, verb: str, rows: Sequence[_Row], outcomes: dict[int, Outcome]) -> None:
        """One call, or by halves where one bad row failed them all; every row gets its outcome.

        Whether HubSpot fails an update batch as a whole or in parts is not documented: both end alike here.
        """
        ask = self._objects(kind, verb, {"inputs": [row.wire for row in rows]}, write=True)
        try:
            answer = self._send(ask)
        except RefusalError as refusal:
            if len(rows) > 1 and refusal.status in _HALVED:
                middle = len(rows) // 2
                self._write_batch(kind, verb, rows[:middle], outcomes)
                self._write_batch(kind, verb, rows[middle:], outcomes)
                return
            missing = refusal.problem.not_found
            verdict = Rejected(str(refusal), refusal.problem.category, refusal.correlation_id, missing)
            outcomes.update({row.place: verdict for row in rows})
        except NoAnswerError as lost:
            doubt: Outcome = NotSent(str(lost)) if lost.applied is False else Unknown(str(lost))
            outcomes.update({row.place: doubt for row in rows})
        else:
            outcomes.update(_settled(ask, answer, rows, created=verb == "create"))

    def association_type(self, source: Kind, target: Kind) -> AssociationType:
        """The unlabelled type by which a record of one kind is associated to another; of custom objects, the portal's.

        Raises `MappingMisfitError` where the two objects cannot be associated.
        """
        known = self._association_types.get((source, target))
        if known is None:
            path = f"/crm/associations/{API_VERSION}/{self.type_id(source)}/{self.type_id(target)}/labels"
            rows = list(self._listed(Ask("GET", path, f"associations/{source}-{target}/labels", listing=True)))
            plain = next((row for row in rows if not row.get("label")), None)
            if plain is None:
                raise MappingMisfitError(
                    f"a {source} cannot be associated to a {target} in this portal: no association without a label"
                )
            known = AssociationType(answers.required(plain, "category"), int(answers.required(plain, "typeId")))
            self._association_types[source, target] = known
        return known

    def deleted(self, kind: Kind, properties: Sequence[str]) -> Iterator[Record]:
        """The recycle bin; see the port."""
        query = {"limit": str(_LIST_PAGE), "archived": "true", "properties": ",".join(properties)}
        path = f"/crm/objects/{API_VERSION}/{self.type_id(kind)}"
        for raw in self._listed(Ask("GET", path, f"{kind}/deleted", query=query, listing=True)):
            yield answers.record(kind, raw)

    # The portal -------------------------------------------------------------------------------------------------------

    def owners(self) -> dict[str, Owner]:
        """All owners by id; one that is listed both ways is active."""
        found: dict[str, Owner] = {}
        for archived in (True, False):
            query = {"limit": str(_LIST_PAGE), "archived": str(archived).lower()}
            for raw in self._listed(Ask("GET", f"/crm/owners/{API_VERSION}", "owners", query=query, listing=True)):
                owner = Owner(
                    id=answers.required(raw, "id"),
                    email=answers.text(raw, "email"),
                    first_name=answers.text(raw, "firstName"),
                    last_name=answers.text(raw, "lastName"),
                    archived=archived,
                    user_id=answers.text(raw, "userId"),
                )
                found[owner.id] = owner
        return found

    def pipelines(self) -> tuple[Pipeline, ...]:
        """The ticket pipelines with their stages, as HubSpot lists them."""
        ask = Ask("GET", f"/crm/pipelines/{API_VERSION}/tickets", "pipelines", listing=True)
        return tuple(
            Pipeline(
                id=answers.required(raw, "id"),
                label=answers.text(raw, "label"),
                stages=tuple(_stage(stage) for stage in answers.objects(raw.get("stages"))),
            )
            for raw in self._listed(ask)
        )

    def properties(self, kind: Kind) -> dict[str, PropertyDefinition]:
        """The property definitions of one object by name."""
        ask = Ask("GET", f"/crm/properties/{API_VERSION}/{self.type_id(kind)}", f"{kind}/properties", listing=True)
        definitions = [_property(raw) for raw in self._listed(ask)]
        return {definition.name: definition for definition in definitions}

    def create_property(self, kind: Kind, definition: Mapping[str, object]) -> None:
        """Create a property; see the port. One that exists already is a `CRMRejectedError` (409)."""
        path = f"/crm/properties/{API_VERSION}/{self.type_id(kind)}"
        self._send(Ask("POST", path, f"{kind}/properties/create", body=dict(definition), write=True))

    def create_object(self, definition: Mapping[str, object]) -> None:
        """Create a custom object; see the port. It is found under the mapping's name for it from then on."""
        path = f"/crm-object-schemas/{API_VERSION}/schemas"
        self._send(Ask("POST", path, "schemas/create", body=dict(definition), write=True))

    def create_pipeline(self, definition: Mapping[str, object]) -> None:
        """Create a ticket pipeline; see the port."""
        path = f"/crm/pipelines/{API_VERSION}/tickets"
        self._send(Ask("POST", path, "pipelines/create", body=dict(definition), write=True))

    def create_association(self, source: Kind, target: Kind, name: str) -> None:
        """Associate a custom object to another object; see the port."""
        path = f"/crm-object-schemas/{API_VERSION}/schemas/{self.type_id(source)}/associations"
        body = {"fromObjectTypeId": self.type_id(source), "toObjectTypeId": self.type_id(target), "name": name}
        self._send(Ask("POST", path, "schemas/associations/create", body=body, write=True))

    def check_write_access(self, kind: Kind) -> None:
        """An update of no records; see the port. HubSpot may refuse it for being empty: then it may be written."""
        with contextlib.suppress(RefusalError):
            self._send(self._objects(kind, "update", {"inputs": []}))

    def account(self) -> Account:
        """Portal id, time zone and host of its pages."""
        body = self._send(Ask("GET", f"/account-info/{API_VERSION}/details", "account")).body
        return Account(
            portal_id=answers.required(body, "portalId"),
            time_zone=answers.text(body, "timeZone"),
            ui_domain=answers.text(body, "uiDomain") or "app.hubspot.com",
        )

    def type_id(self, kind: Kind) -> str:
        """The object type id; the portfolio's is looked up once. `MappingMisfitError` names the objects that exist."""
        if kind not in self._type_ids:
            self._type_ids[kind] = self._portfolio_type_id()
        return self._type_ids[kind]

    def _portfolio_type_id(self) -> str:
        path = f"/crm-object-schemas/{API_VERSION}/schemas"
        schemas = [raw for raw in self._listed(Ask("GET", path, "schemas", listing=True)) if not raw.get("archived")]
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
                return found
        existing = ", ".join(sorted(answers.text(raw, "name") for raw in schemas)) or "none"
        raise MappingMisfitError(
            f"the portal has no custom object {self._portfolio_object!r} (portfolio.object in the mapping); "
            f"its custom objects: {existing}"
        )

    def send_single_email(self, email_id: str, send_id: str, to: str, properties: Mapping[str, str]) -> None:
        """Transactional single-send; see the port. HubSpot ignores a second send under one `send_id`, or may refuse it
        as sent already (nobody could confirm which): either way it is done.

        `CRMRejectedError` where HubSpot will never send it (the address bounced, opted out, the email is not enabled…).
        """
        if not email_id.isascii() or not email_id.isdecimal():
            raise CRMRejectedError(f"{email_id[:40]!r} is no id of an email: see EMAIL_URL")
        ask = Ask(
            "POST",
            f"/marketing/transactional/{API_VERSION}/single-email/send",
            "single-email/send",
            body={
                "emailId": int(email_id),
                "message": {"to": to, "sendId": send_id},
                "customProperties": dict(properties),
            },
            write=True,
        )
        try:
            answer = self._send(ask)
        except RefusalError as refusal:
            if refusal.problem.sent_before:
                return
            raise
        result = answers.text(answer.body, "sendResult").upper()
        if not result:
            result = "CANCELED" if answers.text(answer.body, "status").upper() == "CANCELED" else "QUEUED"
        if result in _EMAIL_ACCEPTED:
            return
        message = f"the CRM did not send the email {email_id} to {to}: {result}"
        if result in _EMAIL_UNDECIDED:
            raise CRMUnavailableError(message, correlation_id=answer.correlation_id)
        raise CRMRejectedError(message, correlation_id=answer.correlation_id)

    # Calls ------------------------------------------------------------------------------------------------------------

    def _send(self, ask: Ask) -> Answer:
        return self._transport.send(ask, self._priority)

    def _objects(self, kind: Kind, verb: str, body: Json, *, write: bool = False) -> Ask:
        path = f"/crm/objects/{API_VERSION}/{self.type_id(kind)}/batch/{verb}"
        return Ask("POST", path, f"{kind}/{verb}", body=body, write=write, listing=True)

    def _listed(self, ask: Ask) -> Iterator[Json]:
        """The objects of all pages of a list."""
        after: str | None = None
        while True:
            query = dict(ask.query or {}) | ({} if after is None else {"after": after})
            page = Ask(ask.method, ask.path, ask.endpoint, query=query, bucket=ask.bucket, listing=True)
            body = self._send(page).body
            yield from answers.results(body)
            previous, after = after, answers.next_page(body)
            if after is None:
                return
            if after == previous:
                raise MalformedAnswerError(f"{ask}: the pages do not end")


def _possible(ids: Iterable[str]) -> list[str]:
    """The ids that a record can have, each once. HubSpot refuses a whole batch for one that is no number."""
    return [id_ for id_ in dict.fromkeys(ids) if _ID.fullmatch(id_)]


def _chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (items[start : start + size] for start in range(0, len(items), size))


def _distinct_batches(rows: Sequence[_Row], size: int) -> Iterator[Sequence[_Row]]:
    """Batches in which no mark stands twice; rows of one mark keep their order."""
    waves: list[list[_Row]] = []
    seen: dict[str, int] = {}
    for row in rows:
        wave = seen.get(row.mark, 0)
        seen[row.mark] = wave + 1
        if wave == len(waves):
            waves.append([])
        waves[wave].append(row)
    for wave_rows in waves:
        yield from _chunks(wave_rows, size)


def _raise_unless(ask: Ask, answer: Answer, expected: Callable[[answers.Problem], bool]) -> None:
    """A read that failed for any other reason than that there is nothing to read says nothing of the record."""
    for problem in answer.problems:
        if not expected(problem):
            raise PartialAnswerError(f"{ask}: {problem}", status=207, correlation_id=problem.correlation_id)


def _gather(found: dict[str, Association], ends: Iterable[Association]) -> None:
    for end in ends:
        known = found.get(end.to, Association(end.to, frozenset(), frozenset()))
        found[end.to] = Association(end.to, known.type_ids | end.type_ids, known.labels | end.labels)


def _maybe_applied(outcome: Outcome) -> bool:
    return isinstance(outcome, Applied | Unknown)


def _settled(ask: Ask, answer: Answer, rows: Sequence[_Row], *, created: bool) -> dict[int, Outcome]:
    """The outcome of each row of an answered batch: confirmed, refused by name, or unknown."""
    raws = [raw for raw in answers.objects(answer.body.get("results")) if answers.text(raw, "id")]
    own = _own_values(rows) if created else {}
    results = {_trace(raw, own) if created else answers.text(raw, "id"): raw for raw in raws}
    outcome = answers.sort_out([row.mark for row in rows], results, answer.problems, _raw_merged_into)
    contradicted = {name for problem in answer.problems for name in problem.names if name in outcome.found}
    outcomes: dict[int, Outcome] = {}
    for row in rows:
        if row.mark in outcome.found and row.mark not in contradicted:
            outcomes[row.place] = Applied(answers.text(outcome.found[row.mark], "id"))
        elif row.mark in outcome.named:
            outcomes[row.place] = outcome.named[row.mark].outcome()
        else:
            why = "; ".join(map(str, answer.problems)) or "the answer says nothing of it"
            outcomes[row.place] = Unknown(f"{ask}: {why}")
    return outcomes


def _own_values(rows: Sequence[_Row]) -> dict[tuple[str, str], str]:
    """The values that only one row of the batch sets, and its mark: by these a record tells which input made it."""
    pairs = [(name, value, row.mark) for row in rows for name, value in row.wire["properties"].items() if value]
    counted = Counter((name, value) for name, value, _ in pairs)
    return {(name, value): mark for name, value, mark in pairs if counted[name, value] == 1}


def _trace(raw: Json, own: Mapping[tuple[str, str], str]) -> str:
    """Which input a created record came from: by its trace or, should HubSpot leave that out, by a value of its own."""
    values = answers.child(raw, "properties")
    marks = {own[name, answers.text(values, name)] for name in values if (name, answers.text(values, name)) in own}
    no_trace = marks.pop() if len(marks) == 1 else f"record {answers.text(raw, 'id')}"
    return answers.text(raw, "objectWriteTraceId") or no_trace


def _merged_into(record: Record) -> list[str]:
    return answers.merged_ids(record.properties)


def _raw_merged_into(raw: Json) -> list[str]:
    return answers.merged_ids(answers.child(raw, "properties"))


def _property(raw: Json) -> PropertyDefinition:
    options = answers.objects(raw.get("options"))
    reference = answers.text(raw, "referencedObjectType") or answers.text(raw, "externalOptionsReferenceType")
    rights = answers.child(raw, "modificationMetadata")
    return PropertyDefinition(
        name=answers.required(raw, "name"),
        label=answers.text(raw, "label"),
        type=answers.text(raw, "type"),
        field_type=answers.text(raw, "fieldType"),
        options=tuple(answers.text(option, "value") for option in options),
        labels=tuple(answers.text(option, "label") for option in options),
        owner=reference.upper() == "OWNER",
        read_only=answers.truth(rights.get("readOnlyValue")) or answers.truth(raw.get("calculated")),
        group=answers.text(raw, "groupName"),
    )


def _stage(raw: Json) -> PipelineStage:
    metadata = answers.child(raw, "metadata")
    state = answers.text(metadata, "ticketState").upper()
    closed = state == "CLOSED" if state else answers.truth(metadata.get("isClosed"))
    return PipelineStage(answers.required(raw, "id"), answers.text(raw, "label"), closed)


def _exact_names(schema: Json, name: str) -> bool:
    return name in {answers.text(schema, key) for key in ("fullyQualifiedName", "objectTypeId", "name")}


def _labels(schema: Json, name: str) -> bool:
    labels = answers.child(schema, "labels")
    return name.casefold() in {answers.text(labels, key).casefold() for key in ("singular", "plural")}
