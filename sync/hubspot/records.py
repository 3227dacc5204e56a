"""Reading records: by id, by association, by search, and from the recycle bin."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final, TypeVar

import structlog

from sync.crm import MERGED, Association, Faulty, Filter, Gap, Kind, Lack, Reading, Record, RecordRef
from sync.errors import FaultyRecordError, PartialAnswerError, UnnamedMatchError
from sync.hubspot import answers, completeness, search
from sync.hubspot.ahead import Send
from sync.hubspot.answers import Json, MalformedAnswerError, Problem, Sorted
from sync.hubspot.ask import Answer, Ask, NoAnswerError, RefusalError
from sync.hubspot.batches import chunks
from sync.hubspot.calls import API_VERSION, LIST_PAGE, PartOfPort, is_id
from sync.hubspot.isolation import Isolation
from sync.storage.budget import Bucket

_READ_BATCH: Final = 100
_HISTORY_BATCH: Final = 50
_PAGES_AT_MOST: Final = 200
"""Pages of one record's list of associations."""

_ASKED_AGAIN: Final = 2
"""How often a list of associations that an answer leaves out is asked for again, before the record is taken to have none."""

_KNOWN_FOR_SILENCE: Final = 3
"""After so many records that had none, a portal is known to leave such lists out, and is asked no more."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What is asked for of each record. What was merged into it is asked for too, though not every object may tell."""

    properties: Sequence[str]
    history: Sequence[str]

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys((*self.properties, *self.history, MERGED)))

    @property
    def body(self) -> Json:
        history = list(dict.fromkeys(self.history))
        return {"properties": self.names} | ({"propertiesWithHistory": history} if history else {})

    @property
    def query(self) -> dict[str, str]:
        """The same, for a single record."""
        history = ",".join(dict.fromkeys(self.history))
        return {"properties": ",".join(self.names)} | ({"propertiesWithHistory": history} if history else {})


class _Pages:
    """The pages that lists of associations were asked for, by record: a list that never ends is that record's fault alone."""

    def __init__(self) -> None:
        self._asked: dict[str, set[str | None]] = {}

    def new(
        self, source: Kind, target: Kind, following: Sequence[tuple[str, str | None]], faulty: dict[str, Faulty]
    ) -> list[tuple[str, str | None]]:
        """Pick the pages to be asked for; a record whose pages go in circles, or on and on, is faulty."""
        picked = []
        for id_, after in following:
            asked = self._asked.setdefault(id_, {None})
            if after in asked or len(asked) >= _PAGES_AT_MOST:
                faulty[id_] = Faulty(RecordRef(source, id_), (Gap(Lack.ENDLESS, target),))
            else:
                asked.add(after)
                picked.append((id_, after))
        return picked


@dataclass(frozen=True, slots=True)
class _Seen:
    """One object of an answer. `record`: what can be read of it; None: nothing."""

    ref: RecordRef
    record: Record | None
    gaps: tuple[Gap, ...]

    def file(self, id_: str, found: dict[str, Record], faulty: dict[str, Faulty]) -> None:
        """Put it where it belongs, as the answer for the id that was asked."""
        if self.gaps or self.record is None:
            faulty[id_] = Faulty(self.ref, self.gaps, self.record)
        else:
            found[id_] = self.record


class RecordReads(PartOfPort):
    """The part of the port that reads records."""

    def time(self) -> datetime | None:
        """Tell the CRM's own time; see the port."""
        return self._calls.transport.time()

    def read(
        self, kind: Kind, ids: Sequence[str], properties: Sequence[str], history: Sequence[str] = ()
    ) -> dict[str, Record]:
        """Read by id; see the port. An id that cannot be one (not a decimal number) is a record that does not exist."""
        reading = self.read_each(kind, ids, properties, history)
        _raise_if_faulty(f"{kind}/batch/read", reading.faulty)
        return dict(reading.found)

    def read_each(
        self, kind: Kind, ids: Sequence[str], properties: Sequence[str], history: Sequence[str] = ()
    ) -> Reading[Record]:
        """Read the same, the faulty ones apart; see the port."""
        found: dict[str, Record] = {}
        faulty: dict[str, Faulty] = {}
        wanted = _Wanted(properties, history)
        batches = list(chunks(_possible(ids), _HISTORY_BATCH if history else _READ_BATCH))
        with self._calls.ahead([self._ask_for(kind, batch, wanted) for batch in batches]) as send:
            isolation = Isolation[str](
                call=lambda part, again: self._read_batch(kind, part, wanted, found, faulty, send, brief=again),
                control=lambda: self._read_any(kind, wanted),
                give_up=lambda id_, error: faulty.update({id_: _unreadable(kind, id_, error)}),
            )
            for batch in batches:
                isolation.read(batch)
        return Reading(found, faulty)

    def _ask_for(self, kind: Kind, ids: Sequence[str], wanted: _Wanted, *, brief: bool = False) -> Ask:
        """Make the call that reads these."""
        return self._calls.objects(kind, "read", {**wanted.body, "inputs": [{"id": id_} for id_ in ids]}, brief=brief)

    def _read_any(self, kind: Kind, wanted: "_Wanted") -> None:
        """Ask for any one record in the same way. Raises as `Transport.send`."""
        path = f"/crm/objects/{API_VERSION}/{self._calls.type_id(kind)}"
        query = {**wanted.query, "limit": "1"}
        self._calls.send(Ask("GET", path, f"{kind}/list", query=query, listing=True, brief=True))

    def _read_batch(
        self,
        kind: Kind,
        ids: Sequence[str],
        wanted: _Wanted,
        found: dict[str, Record],
        faulty: dict[str, Faulty],
        send: Send,
        *,
        brief: bool = False,
    ) -> None:
        """Read these into `found` and `faulty`."""
        ask = self._ask_for(kind, ids, wanted, brief=brief)
        answer = send(ask)
        raws = answers.results(answer.body)
        self._learn(raws)
        seen = {one.ref.id: one for one in (self._seen(kind, raw, wanted, answer.asked_at) for raw in raws)}
        archived = {answers.text(raw, "id") for raw in raws if answers.truth(raw.get("archived"))}
        matched = answers.sort_out(ids, seen, answer.problems, _merged_into, trust_counts=True)
        _raise_unless(ask, answer, matched, lambda problem: problem.not_found)
        for id_, one in matched.found.items():
            if one.ref.id not in archived:
                one.file(id_, found, faulty)
        for id_, problem in matched.named.items():
            if not problem.not_found:
                faulty[id_] = Faulty(RecordRef(kind, id_), (Gap(Lack.RECORD, str(problem)),))
        for id_ in matched.unexplained:
            if len(ids) > 1:  # asked alone, a merged one can be matched
                self._read_batch(kind, [id_], wanted, found, faulty, self._calls.send)
            else:
                self._read_alone(kind, id_, wanted, found, faulty)

    def _read_alone(
        self, kind: Kind, id_: str, wanted: _Wanted, found: dict[str, Record], faulty: dict[str, Faulty]
    ) -> None:
        """Read one that batches leave out without a word: only a 404 of its own says that it does not exist."""
        path = f"/crm/objects/{API_VERSION}/{self._calls.type_id(kind)}/{id_}"
        try:
            answer = self._calls.send(Ask("GET", path, f"{kind}/get", query=wanted.query))
        except RefusalError as error:
            if not error.problem.not_found:
                faulty[id_] = Faulty(RecordRef(kind, id_), (Gap(Lack.RECORD, str(error)),))
            return
        except NoAnswerError as error:
            faulty[id_] = Faulty(RecordRef(kind, id_), (Gap(Lack.RECORD, str(error)),))
            return
        if not answers.truth(answer.body.get("archived")):
            self._seen(kind, answer.body, wanted, answer.asked_at).file(id_, found, faulty)

    def _learn(self, raws: Iterable[Json]) -> None:
        """Note whether this portal shows histories in which there is nothing."""
        if not self._calls.lists_empty_histories:
            self._calls.lists_empty_histories = any(completeness.shows_an_empty_history(raw) for raw in raws)

    def _seen(self, kind: Kind, raw: Json, wanted: _Wanted, read_at: datetime | None = None) -> _Seen:
        """One object of an answer, with what it lacks. Raises `MalformedAnswerError` where it does not say which it is."""
        try:
            record = answers.record(kind, raw, read_at)
        except MalformedAnswerError as error:
            id_ = answers.required(raw, "id")
            return _Seen(RecordRef(kind, id_), None, (Gap(Lack.RECORD, str(error)),))
        lists_empty = self._calls.lists_empty_histories
        gaps = completeness.gaps(record, raw, wanted.properties, wanted.history, lists_empty=lists_empty)
        return _Seen(RecordRef(kind, record.id), record, gaps)

    def associated(self, source: Kind, target: Kind, ids: Sequence[str]) -> dict[str, tuple[Association, ...]]:
        """Read the associations of each source record; see the port. Types and labels of one far end are gathered."""
        reading = self.associated_each(source, target, ids)
        _raise_if_faulty(f"associations/{source}-{target}/read", reading.faulty)
        return dict(reading.found)

    def associated_each(self, source: Kind, target: Kind, ids: Sequence[str]) -> Reading[tuple[Association, ...]]:
        """Read the same, the faulty ones apart; see the port."""
        ends: dict[str, dict[str, Association]] = {}
        faulty: dict[str, Faulty] = {}
        waiting: list[tuple[str, str | None]] = [(id_, None) for id_ in _possible(ids)]
        pages = _Pages()

        def call(part: Sequence[tuple[str, str | None]], again: bool) -> None:
            following = self._associated_batch(source, target, part, ends, faulty, brief=again)
            waiting.extend(pages.new(source, target, following, faulty))
            if again and len(part) > 1:
                self._calls.association_batch = min(self._calls.association_batch, len(part))

        isolation = Isolation[tuple[str, str | None]](
            call=call,
            control=lambda: self._read_any(source, _Wanted((), ())),
            give_up=lambda one, error: faulty.update({one[0]: _unreadable(source, one[0], error)}),
        )
        while waiting:
            size = self._calls.association_batch
            batch = waiting[:size]
            del waiting[:size]
            isolation.read(batch)
        return Reading({id_: tuple(found.values()) for id_, found in ends.items() if id_ not in faulty}, faulty)

    def _associated_batch(
        self,
        source: Kind,
        target: Kind,
        batch: Sequence[tuple[str, str | None]],
        ends: dict[str, dict[str, Association]],
        faulty: dict[str, Faulty],
        asked_before: int = 0,
        *,
        brief: bool = False,
    ) -> list[tuple[str, str | None]]:
        """Read one page of each input into `ends`; the pages that follow.

        `asked_before`: how often the answer has said nothing of this one input. Before that is taken for none, of a portal
        that is not known to say nothing, it is asked again: one answer may have lacked it by chance.
        """
        cursors = dict(batch)
        ask = Ask(
            "POST",
            f"/crm/associations/{API_VERSION}/{self._calls.type_id(source)}/{self._calls.type_id(target)}/batch/read",
            f"associations/{source}-{target}/read",
            body={"inputs": [{"id": id_} if after is None else {"id": id_, "after": after} for id_, after in batch]},
            bucket=None,
            listing=True,
            brief=brief,
        )
        answer = self._calls.send(ask)
        results = answers.results(answer.body)
        by_id = {answers.required(answers.child(raw, "from"), "id"): raw for raw in results}
        matched = answers.sort_out(list(cursors), by_id, answer.problems, trust_counts=True)
        _raise_unless(ask, answer, matched, lambda problem: problem.no_associations or problem.not_found)
        following: list[tuple[str, str | None]] = []
        for id_, raw in matched.found.items():
            found = answers.association_ends(raw)
            if found is None:
                faulty[id_] = Faulty(RecordRef(source, id_), (Gap(Lack.ASSOCIATIONS, target),))
                continue
            if not found:
                self._calls.note_none_told()
            _gather(ends.setdefault(id_, {}), found)
            after = answers.next_page(raw)
            if after is not None:
                following.append((id_, after))
        if any(problem.no_associations for problem in answer.problems):
            self._calls.note_none_told()
        _note_problems(source, target, matched.named, ends, faulty)
        for id_ in matched.unexplained:
            alone = [(id_, cursors[id_])]
            if len(cursors) > 1:
                following += self._associated_batch(source, target, alone, ends, faulty)
            elif asked_before < _ASKED_AGAIN and self._calls.silences < _KNOWN_FOR_SILENCE:
                following += self._associated_batch(source, target, alone, ends, faulty, asked_before + 1)
            else:
                self._none_or_unknown(source, target, id_, answer, ends, faulty)
        return following

    def _none_or_unknown(
        self,
        source: Kind,
        target: Kind,
        id_: str,
        answer: Answer,
        ends: dict[str, dict[str, Association]],
        faulty: dict[str, Faulty],
    ) -> None:
        """An answer says nothing of this one, though asked alone: it has no associations, if it exists.

        Not so where the portal says such a thing, where something failed, or where it was a page of several.
        """
        if self._calls.tells_of_no_associations or answer.has_unnamed_errors or ends.get(id_):
            faulty[id_] = Faulty(RecordRef(source, id_), (Gap(Lack.ASSOCIATIONS, target),))
            return
        reading = self.read_each(source, [id_], [])
        if id_ in reading.found:
            self._calls.silences += 1
            ends.setdefault(id_, {})
        faulty.update(reading.faulty)

    def search(
        self, kind: Kind, groups: Sequence[Sequence[Filter]], properties: Sequence[str] = ()
    ) -> Iterator[Record]:
        """Find every match of any group by rising id; see the port. However many: pages are turned by a moving bound."""
        searches = [self._search(kind, part, properties) for part in search.requests_for(groups, properties)]
        merged = heapq.merge(*searches, key=lambda record: int(record.id))
        return (next(same) for _, same in groupby(merged, key=lambda record: record.id))

    def _search(self, kind: Kind, groups: Sequence[Sequence[Filter]], properties: Sequence[str]) -> Iterator[Record]:
        above = nameless = 0
        while True:
            ask = Ask(
                "POST",
                f"/crm/objects/{API_VERSION}/{self._calls.type_id(kind)}/search",
                f"{kind}/search",
                body=search.body(groups, properties, str(above)),
                bucket=Bucket.SEARCH,
                listing=True,
            )
            answer = self._calls.send(ask)
            raws = answers.results(answer.body)
            page = [one for raw in raws if (one := _candidate(kind, raw)) is not None]
            nameless += len(raws) - len(page)
            page = [
                one for place, one in enumerate(page) if not place or one.id != page[place - 1].id
            ]  # a row may be doubled
            if not _rises(page, above):
                raise MalformedAnswerError(f"{ask}: the matches do not come by rising id, so that some may be missed")
            yield from page
            if not page or (len(raws) < search.PAGE and answers.next_page(answer.body) is None):
                break
            above = int(page[-1].id)
        if nameless:
            raise UnnamedMatchError(
                f"{ask}: {nameless:,} of the matches came without a record's id; all others were found"
            )

    def deleted(self, kind: Kind, properties: Sequence[str]) -> Iterator[Record]:
        """List the recycle bin; see the port."""
        query = {"limit": str(LIST_PAGE), "archived": "true", "properties": ",".join(properties)}
        path = f"/crm/objects/{API_VERSION}/{self._calls.type_id(kind)}"
        wanted = _Wanted(properties, ())
        for raw in self._calls.listed(Ask("GET", path, f"{kind}/deleted", query=query, listing=True)):
            found: dict[str, Record] = {}
            faulty: dict[str, Faulty] = {}
            one = self._seen(kind, raw, wanted)
            one.file(one.ref.id, found, faulty)
            _raise_if_faulty(f"{kind}/deleted", faulty)
            yield from found.values()


def _unreadable(kind: Kind, id_: str, error: NoAnswerError | RefusalError) -> Faulty:
    """A record for which alone a call fails, while others are answered."""
    return Faulty(RecordRef(kind, id_), (Gap(Lack.UNREADABLE, str(error)),))


def _candidate(kind: Kind, raw: Json) -> Record | None:
    """One match of a search; of one that cannot be read its id alone: its record is read afresh by whoever looks at it.

    None: it has no id, so that nobody can tell which record it is.
    """
    id_ = answers.text(raw, "id") or answers.text(answers.child(raw, "properties"), "hs_object_id")
    if not is_id(id_):
        return None
    try:
        return answers.record(kind, raw)
    except MalformedAnswerError as error:
        log.warning("search.match_unreadable", record=f"{kind} {id_}", error=str(error))
        return Record(kind, id_, {})


def _rises(page: Sequence[Record], above: int) -> bool:
    """Whether every match has an id above the one before it."""
    ids = [int(record.id) for record in page]
    return ids == sorted(set(ids)) and (not ids or ids[0] > above)


def _possible(ids: Iterable[str]) -> list[str]:
    """The ids that a record can have, each once."""
    return [id_ for id_ in dict.fromkeys(ids) if is_id(id_)]


def _raise_if_faulty(what: str, faulty: Mapping[str, Faulty]) -> None:
    if faulty:
        first = next(iter(faulty.values()))
        more = f" (and {len(faulty) - 1} more)" if len(faulty) > 1 else ""
        raise FaultyRecordError(f"{what}: {first}{more}")


def _raise_unless(ask: Ask, answer: Answer, matched: Sorted[T], expected: Callable[[Problem], bool]) -> None:
    """A read that failed for any other reason than that there is nothing to read says nothing of whom it may be about."""
    named = list(matched.named.values())
    for problem in answer.problems:
        if not expected(problem) and problem not in named:
            raise PartialAnswerError(f"{ask}: {problem}", status=207, correlation_id=problem.correlation_id)


def _note_problems(
    source: Kind,
    target: Kind,
    named: Mapping[str, Problem],
    ends: dict[str, dict[str, Association]],
    faulty: dict[str, Faulty],
) -> None:
    """A record without associations is there with none; one that does not exist is left out."""
    for id_, problem in named.items():
        if problem.no_associations:
            ends.setdefault(id_, {})
        elif problem.not_found:
            ends.pop(id_, None)
        else:
            faulty[id_] = Faulty(RecordRef(source, id_), (Gap(Lack.ASSOCIATIONS, target),))


def _gather(found: dict[str, Association], ends: Iterable[Association]) -> None:
    for end in ends:
        known = found.get(end.to, Association(end.to, frozenset(), frozenset()))
        found[end.to] = Association(end.to, known.type_ids | end.type_ids, known.labels | end.labels)


def _merged_into(seen: _Seen) -> list[str]:
    return [] if seen.record is None else answers.merged_ids(seen.record.properties)
