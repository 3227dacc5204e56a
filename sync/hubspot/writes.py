"""Writing records: every row gets an outcome, and none is sent twice unless HubSpot certainly did nothing."""

from collections.abc import Sequence
from typing import Final

from sync.crm import Applied, Create, Kind, NotSent, Outcome, RecordRef, Rejected, Unknown, Update
from sync.errors import AuthenticationError, HandoffsError
from sync.hubspot.answers import Json
from sync.hubspot.ask import NoAnswerError, RefusalError
from sync.hubspot.batches import Row, distinct_batches, outcomes_of
from sync.hubspot.calls import PartOfPort, is_id

_WRITE_BATCH: Final = 100

_HALVED: Final = {400, 404, 409}
"""Statuses by which one bad row fails a whole batch."""


class RecordWrites(PartOfPort):
    """The part of the port that writes records."""

    def update(self, kind: Kind, updates: Sequence[Update]) -> list[Outcome]:
        """Patch; see the port. Two updates of one record go in two calls, in order, so that its history shows both."""
        rows: list[Row] = []
        outcomes: dict[int, Outcome] = {}
        for place, one in enumerate(updates):
            if is_id(one.id):
                wire = {"id": one.id, "objectWriteTraceId": one.id, "properties": dict(one.properties)}
                rows.append(Row(place, one.id, wire))
            else:
                outcomes[place] = Rejected(f"{kind} {one.id[:40]!r}: this is no record's id", missing=True)
        self._write(kind, "update", rows, outcomes)
        return [outcomes[place] for place in range(len(updates))]

    def create(self, kind: Kind, creates: Sequence[Create]) -> list[Outcome]:
        """Create with associations; see the port. Needs an unlabelled association type for each pair of kinds."""
        rows: list[Row] = []
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
                rows.append(Row(place, one.trace, wire))
        self._write(kind, "create", rows, outcomes)
        return [outcomes[place] for place in range(len(creates))]

    def _inline(self, kind: Kind, ref: RecordRef) -> Json:
        if not is_id(ref.id):
            raise ValueError(f"{ref.kind} {ref.id[:40]!r}: this is no record's id")
        known = self._calls.association_type(kind, ref.kind)
        types = [{"associationCategory": known.category, "associationTypeId": known.type_id}]
        return {"to": {"id": ref.id}, "types": types}

    def _write(self, kind: Kind, verb: str, rows: Sequence[Row], outcomes: dict[int, Outcome]) -> None:
        """Send the rows in batches in which no name stands twice, until something stops it all.

        Once something may have been applied nothing raises, or what became of it would be lost.
        """
        doubtful: set[str] = set()
        try:
            for batch in distinct_batches(rows, _WRITE_BATCH):
                for row in batch:
                    if row.name in doubtful:
                        outcomes[row.place] = NotSent(f"{kind} {row.name}: an earlier write to it may still be applied")
                ready = [row for row in batch if row.place not in outcomes]
                if ready:
                    self._write_batch(kind, verb, ready, outcomes)
                    doubtful |= {row.name for row in ready if isinstance(outcomes[row.place], Unknown)}
        except HandoffsError as error:
            if isinstance(error, AuthenticationError) and not any(map(_maybe_applied, outcomes.values())):
                raise
            for row in rows:
                outcomes.setdefault(row.place, NotSent(str(error)))

    def _write_batch(self, kind: Kind, verb: str, rows: Sequence[Row], outcomes: dict[int, Outcome]) -> None:
        """One call, or by halves where one bad row failed them all; every row gets its outcome.

        Whether HubSpot fails an update batch as a whole or in parts is not documented: both end alike here.
        """
        ask = self._calls.objects(kind, verb, {"inputs": [row.wire for row in rows]}, write=True)
        try:
            answer = self._calls.send(ask)
        except RefusalError as refusal:
            if len(rows) > 1 and refusal.status in _HALVED:
                middle = len(rows) // 2
                self._write_batch(kind, verb, rows[:middle], outcomes)
                self._write_batch(kind, verb, rows[middle:], outcomes)
                return
            missing = refusal.problem.not_found
            known = refusal.problem
            verdict = Rejected(str(refusal), known.category, refusal.correlation_id, missing, known.holder)
            outcomes.update({row.place: verdict for row in rows})
        except NoAnswerError as lost:
            doubt: Outcome = NotSent(str(lost)) if lost.applied is False else Unknown(str(lost))
            outcomes.update({row.place: doubt for row in rows})
        else:
            outcomes.update(outcomes_of(ask, answer, rows, created=verb == "create"))


def _maybe_applied(outcome: Outcome) -> bool:
    return isinstance(outcome, Applied | Unknown)
