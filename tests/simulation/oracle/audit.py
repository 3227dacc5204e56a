"""Every write of the service against docs/process.md W.1 to W.3, whatever asked for it: where, what, over what, and whether
there was any need. That something asked for it is for `effects` to say.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date

from tests.simulation.event_log import Ref, Sent, Updated
from tests.simulation.oracle.finding import Verdict
from tests.simulation.oracle.record import Rec
from tests.simulation.oracle.records import Records
from tests.simulation.oracle.words import STRANGE

STATUS, BODY = "hs_task_status", "hs_task_body"

MARK = re.compile(r"<p [^>]*>\[handoff [^\]]*\]</p>")
"""What carries a task's key at the end of its body (docs/process.md K.1)."""
COMPLETED = "COMPLETED"


class Audit:
    """Told of every reading just before a write, of every write that is sent, and of every one that lands."""

    def __init__(self, records: Records, find: Callable[[Verdict, str], None]) -> None:
        self._crm = records
        self._find = find
        self._readings: dict[Ref, list[int]] = defaultdict(list)  # their numbers
        self._pass_began = 0
        self._lines: dict[Ref, set[str]] = defaultdict(set)  # what was added to each task's body

    def began(self) -> None:
        """A pass begins: what was read before is not *just before* any more."""
        self._pass_began = self._crm.now.number

    def checked(self, refs: Iterable[Ref]) -> None:
        for ref in refs:
            self._readings[ref].append(self._crm.now.number)

    # -- sent

    def sent(self, event: Sent) -> None:
        """W.2, W.3: what is written is read just before, after all that was decided on. W.1: only where it differs."""
        for ref, values in event.updates:
            rec = self._crm.all.get(ref)
            if rec is None:
                continue  # merged away: the CRM answers for another
            read = max(self._readings[ref], default=-1)
            if read < max(self._pass_began, self._crm.seen_at.get(ref, -1)):
                self._find("unexplained", f"the service writes {sorted(values)} on {ref}, which it has not read again")
                continue
            for name, value in values.items():
                if value.startswith(STRANGE):
                    self._find(
                        "unexplained", f"the service writes {name} “{value}” on {ref}, which the mapping does not name"
                    )
                if rec.as_of(name, read) == value:
                    self._find("unexplained", f"the service writes {name} “{value}” on {ref}, where it stood already")

    # -- landed

    def written(self, rec: Rec, event: Updated) -> None:
        """W.1: which properties of which records, which values, and over which; before `rec` takes them in."""
        allowed = self._allowed(rec.ref)
        for name, value in event.values.items():
            over = {rec.as_of(name, number) for number in self._read_for(event)}
            if name == BODY and rec.ref in self._crm.tasks:
                self._body_written(rec, value, over)
            elif name not in allowed or not allowed[name](value, over):
                self._find(
                    "unexplained", f"the service may not write {name} “{value}” on {rec.ref}, over {sorted(over)}"
                )
        if event.values.get(STATUS) == COMPLETED and BODY not in event.values:
            self._find("missing", f"the service closes {rec.ref} without a line that says why")

    def closed(self, rec: Rec, parent: Ref | None, cause: int) -> None:
        """2a.7, 8.16: one that a person has opened again since the `cause` stays, as far as a look showed it."""
        versions = rec.history[STATUS]
        done = max((place for place, one in enumerate(versions) if one.value == COMPLETED), default=-1)
        # Whatever else than COMPLETED it was set to later, it was open all the while.
        opened = versions[done + 1] if done + 1 < len(versions) else None
        looked = self._crm.seen_at.get(parent, 0) if parent is not None else 0
        again = opened is not None and any(v.value == COMPLETED and v.number < opened.number for v in versions)
        if opened is not None and again and not opened.own and cause < opened.number < looked:
            self._find("unexplained", f"the service closes {rec.ref}, which a person has opened again")

    def _read_for(self, event: Updated) -> list[int]:
        """The readings that a write may rest on: the newest; of one that lands late any."""
        readings = self._readings[event.ref]
        return readings if event.late else readings[-1:]

    def _body_written(self, rec: Rec, body: str, over: set[str]) -> None:
        """A line is added at the end, once; all that people wrote stays, and a mark that was there is last (K.3)."""
        # A write that lands late rests on any reading: one may be of before a person had replaced the body, mark and all.
        marks = [MARK.findall(one) for one in over]
        if not any(not found or any(body.endswith(mark) for mark in found) for found in marks):
            self._find("missing", f"the mark of {rec.ref} is no longer the last of its body")
        body, before = unmarked(body), {unmarked(one) for one in over}
        added = next(
            (body.removeprefix(one) for one in sorted(before, key=len, reverse=True) if body.startswith(one)), ""
        )
        if not added:
            self._find("unexplained", f"the service overwrites the body of {rec.ref}: “{body[-120:]}”")
        elif added in self._lines[rec.ref]:
            self._find("doubled", f"the service adds to the body of {rec.ref} what it has added before: “{added}”")
        self._lines[rec.ref].add(added)

    def _allowed(self, ref: Ref) -> Mapping[str, Callable[[str, set[str]], bool]]:
        crm, names = self._crm, self._crm.names
        early = {"", crm.declined, crm.requested, crm.submitted}
        over_status = {
            crm.pending: early,
            crm.implemented: {crm.approved},
            "": {crm.declined, crm.implemented},
        }
        match ref.kind:
            case "portfolio":
                return {
                    names.status: lambda value, over: bool(over & over_status.get(value, set())),
                    names.date: lambda value, over: bool(value) and bool(over) and bool(date.fromisoformat(value)),
                }
            case "ticket":
                approvals = dict.fromkeys((names.copy_approval, names.graphic_approval), lambda value, _: value == "")
                return {
                    **approvals,
                    "hs_pipeline_stage": lambda value, _: value == crm.in_progress,
                    names.needs_revisions: lambda value, over: value == "" and bool(over & crm.revisions.keys()),
                }
            case "task" if ref in crm.tasks:
                return {STATUS: lambda value, _: value == COMPLETED}
        return {}


def unmarked(body: str) -> str:
    """A task's body as it is without the mark that carries its key."""
    return MARK.sub("", body)
