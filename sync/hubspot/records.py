"""Reading records: by id, by association, by search, and from the recycle bin."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Final, TypeVar

from sync.crm import Association, Filter, Kind, Record
from sync.errors import PartialAnswerError
from sync.hubspot import answers, search
from sync.hubspot.answers import Json, MalformedAnswerError, Problem, Sorted
from sync.hubspot.batches import chunks
from sync.hubspot.calls import API_VERSION, LIST_PAGE, PartOfPort, is_id
from sync.hubspot.transport import Answer, Ask
from sync.storage.budget import Bucket

_READ_BATCH: Final = 100
_HISTORY_BATCH: Final = 50
_ASSOCIATION_BATCH: Final = 1000

T = TypeVar("T")


class RecordReads(PartOfPort):
    """The part of the port that reads records."""

    def read(
        self, kind: Kind, ids: Sequence[str], properties: Sequence[str], history: Sequence[str] = ()
    ) -> dict[str, Record]:
        """Read by id; see the port. An id that cannot be one (not a decimal number) is a record that does not exist."""
        found: dict[str, Record] = {}
        wanted: Json = {"properties": list(dict.fromkeys((*properties, *history, answers.MERGED)))}
        if history:
            wanted["propertiesWithHistory"] = list(dict.fromkeys(history))
        for batch in chunks(_possible(ids), _HISTORY_BATCH if history else _READ_BATCH):
            found.update(self._read_batch(kind, batch, wanted))
        return found

    def _read_batch(self, kind: Kind, ids: Sequence[str], wanted: Json) -> dict[str, Record]:
        ask = self._calls.objects(kind, "read", {**wanted, "inputs": [{"id": id_} for id_ in ids]})
        answer = self._calls.send(ask)
        raws = answers.results(answer.body)
        by_id = {record.id: record for record in (answers.record(kind, raw, answer.asked_at) for raw in raws)}
        archived = {answers.text(raw, "id") for raw in raws if answers.truth(raw.get("archived"))}
        matched = answers.sort_out(ids, by_id, answer.problems, _merged_into, trust_counts=True)
        _raise_unless(ask, answer, lambda problem: problem.not_found)
        found = {id_: record for id_, record in matched.found.items() if record.id not in archived}
        for batch in _one_by_one(ask, ids, matched):
            found.update(self._read_batch(kind, batch, wanted))
        return found

    def associated(self, source: Kind, target: Kind, ids: Sequence[str]) -> dict[str, tuple[Association, ...]]:
        """Read the associations of each source record; see the port. Types and labels of one far end are gathered."""
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
            f"/crm/associations/{API_VERSION}/{self._calls.type_id(source)}/{self._calls.type_id(target)}/batch/read",
            f"associations/{source}-{target}/read",
            body={"inputs": [{"id": id_} if after is None else {"id": id_, "after": after} for id_, after in batch]},
            bucket=None,
            listing=True,
        )
        answer = self._calls.send(ask)
        results = answers.results(answer.body)
        by_id = {answers.required(answers.child(raw, "from"), "id"): raw for raw in results}
        matched = answers.sort_out(list(cursors), by_id, answer.problems, trust_counts=True)
        _raise_unless(ask, answer, lambda problem: problem.no_associations or problem.not_found)
        following: list[tuple[str, str | None]] = []
        for id_, raw in matched.found.items():
            _gather(ends.setdefault(id_, {}), answers.association_ends(raw))
            after = answers.next_page(raw)
            if after is not None and after == cursors[id_]:
                raise MalformedAnswerError(f"{ask}: the pages of {source} {id_} do not end")
            if after is not None:
                following.append((id_, after))
        _note_problems(ends, matched.named)
        for alone in _one_by_one(ask, list(cursors), matched):
            following += self._associated_batch(source, target, [(id_, cursors[id_]) for id_ in alone], ends)
        return following

    def search(
        self, kind: Kind, groups: Sequence[Sequence[Filter]], properties: Sequence[str] = ()
    ) -> Iterator[Record]:
        """Find every match of any group by rising id; see the port. However many: pages are turned by a moving bound."""
        searches = [self._search(kind, part, properties) for part in search.requests_for(groups, properties)]
        merged = heapq.merge(*searches, key=lambda record: int(record.id))
        return (next(same) for _, same in groupby(merged, key=lambda record: record.id))

    def _search(self, kind: Kind, groups: Sequence[Sequence[Filter]], properties: Sequence[str]) -> Iterator[Record]:
        above = 0
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
            page = [answers.record(kind, raw) for raw in answers.results(answer.body)]
            if not _rises(page, above):
                raise MalformedAnswerError(f"{ask}: the matches do not come by rising id, so that some may be missed")
            yield from page
            if not page or (len(page) < search.PAGE and answers.next_page(answer.body) is None):
                return
            above = int(page[-1].id)

    def deleted(self, kind: Kind, properties: Sequence[str]) -> Iterator[Record]:
        """List the recycle bin; see the port."""
        query = {"limit": str(LIST_PAGE), "archived": "true", "properties": ",".join(properties)}
        path = f"/crm/objects/{API_VERSION}/{self._calls.type_id(kind)}"
        for raw in self._calls.listed(Ask("GET", path, f"{kind}/deleted", query=query, listing=True)):
            yield answers.record(kind, raw)


def _rises(page: Sequence[Record], above: int) -> bool:
    """Whether every match has an id above the one before it."""
    ids = [int(record.id) for record in page if is_id(record.id)]
    return len(ids) == len(page) and ids == sorted(set(ids)) and (not ids or ids[0] > above)


def _possible(ids: Iterable[str]) -> list[str]:
    """The ids that a record can have, each once."""
    return [id_ for id_ in dict.fromkeys(ids) if is_id(id_)]


def _one_by_one(ask: Ask, ids: Sequence[str], matched: Sorted[T]) -> list[list[str]]:
    """The ids of which an answer says nothing, to be asked alone, where a merged one can be matched.

    One that even then has no answer is an error: unknown is not absent.
    """
    if matched.unexplained and len(ids) == 1:
        raise MalformedAnswerError(f"{ask}: the answer says nothing of {ids[0]}")
    return [[id_] for id_ in matched.unexplained]


def _raise_unless(ask: Ask, answer: Answer, expected: Callable[[Problem], bool]) -> None:
    """A read that failed for any other reason than that there is nothing to read says nothing of the record."""
    for problem in answer.problems:
        if not expected(problem):
            raise PartialAnswerError(f"{ask}: {problem}", status=207, correlation_id=problem.correlation_id)


def _note_problems(ends: dict[str, dict[str, Association]], named: Mapping[str, Problem]) -> None:
    """A record without associations is there with none; one that does not exist is left out."""
    for id_, problem in named.items():
        if problem.no_associations:
            ends.setdefault(id_, {})
        else:
            ends.pop(id_, None)


def _gather(found: dict[str, Association], ends: Iterable[Association]) -> None:
    for end in ends:
        known = found.get(end.to, Association(end.to, frozenset(), frozenset()))
        found[end.to] = Association(end.to, known.type_ids | end.type_ids, known.labels | end.labels)


def _merged_into(record: Record) -> list[str]:
    return answers.merged_ids(record.properties)
