"""What the email of handoff 9 says of the tickets that are live: docs/process.md 9.8."""

import re
from collections.abc import Iterator

from tests.simulation.event_log import Ref
from tests.simulation.oracle.record import Closing, Rec
from tests.simulation.oracle.records import Records

_LATE = "Ready only after the client had approved"
_UNFINISHED = ("Not finished, so not among them", "None of the tickets was finished")


def misplaced(records: Records, portfolio: Rec, closing: int, text: str) -> Iterator[str]:
    """Tell each ticket that stands among those ready before the client's approval and was not, or the other way round.

    `closing`: the number of the closing version that is told of. What the words leave open is not judged: two approvals
    in one cycle, a ticket that was ready before the approval and came back after it, one that was merged or moved.
    """
    closings = records.closings(portfolio)
    approvals = _approvals(records, portfolio, closings, closing)
    if len(approvals) > 1 or portfolio.ref in records.uncertain or portfolio.ref in records.merged_at:
        return
    for ticket, late in _read(text).items():
        rec = records.rec(Ref("ticket", ticket))
        if rec is None or _is_open_to_doubt(records, rec):
            continue
        entries = _entries(records, rec)
        if not entries or entries[-1] > closing:
            continue
        before = [one for one in entries if approvals and one < approvals[0]]
        if late and (not approvals or len(before) == len(entries)):
            yield f"{rec.ref} is said to have been ready only after the approval"
        elif not late and approvals and not before:
            yield f"{rec.ref} is not said to have been ready only after the approval"


def _approvals(records: Records, portfolio: Rec, closings: list[Closing], closing: int) -> list[int]:
    """The versions (numbers) of Completed & Approved in the cycle that this version has ended, each time that it was set."""
    began = max((one.number for one in closings if one.number < closing), default=-1)
    return [
        version.number
        for version in portfolio.history.get(records.names.status, ())
        if version.value == records.approved and began < version.number < closing
    ]


def _entries(records: Records, ticket: Rec) -> list[int]:
    found, before = [], ""
    for version in ticket.history["hs_pipeline_stage"]:
        if version.value == records.in_review != before:
            found.append(version.number)
        before = version.value
    return found


def _is_open_to_doubt(records: Records, ticket: Rec) -> bool:
    merged = ticket.ref in records.uncertain | records.moving or ticket.ref in records.merged_at
    return merged or records.was_elsewhere(ticket) or len(ticket.history["hs_pipeline"]) > 1


def _read(text: str) -> dict[str, bool]:
    """The tickets that the email calls live, and whether it says of each that it was ready too late."""
    found: dict[str, bool] = {}
    late = False
    for line in text.splitlines():
        if line.startswith(_UNFINISHED):
            break
        late = late or line.startswith(_LATE)
        if (made := re.search(r"/record/0-5/(\d+)", line)) is not None:
            found[made[1]] = late
    return found
