"""Sums reports up beside the requests, as that takes longer than a page may, and keeps the newest ones for a while."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock, Thread
from time import monotonic

from sync.reports.report import By, Report, Wanted

FRESH = timedelta(minutes=10)
"""For how long a report is shown again as it was; it says until when it tells."""

STANDS = 20
"""And for so many times as long as it took, where that is longer: a report of a minute's work for twenty minutes."""

KEPT = 8
"""Reports that are kept; the one that was made first goes first."""

GROUPS = 50_000
"""Groups that all reports together keep, beside the newest report's: each takes two kilobytes."""

PATIENCE = 0.2
"""Seconds that a request waits for a report: an agency of some dozens of clients has it at once."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a report is asked of."""

    wanted: Wanted
    by: By


class Reckoner:
    """Has one report at a time made by `read`, whoever asks."""

    def __init__(self, read: Callable[[Question], Report]) -> None:
        self._read = read
        self._lock = Lock()
        self._known: dict[Question, tuple[datetime, Report]] = {}  # each with the moment until which it stands
        self._job: tuple[Question, Future[Report]] | None = None

    def ask(self, question: Question, now: datetime) -> Report | None:
        """Return the report; None: it, or another one, is in the making. Raises what reading the database does."""
        with self._lock:
            known = self._known.get(question)
            if known is not None and now < known[0]:
                return known[1]
            made = self._made(question, now)
        try:
            return None if made is None else made.result(timeout=PATIENCE)
        except TimeoutError:
            return None
        except Exception:
            with self._lock:
                if self._job == (question, made):  # it is said once, and then tried again
                    self._job = None
            raise

    def _made(self, question: Question, now: datetime) -> Future[Report] | None:
        """Return what is in the making for this question, begun if need be; None: another one is."""
        job = self._job
        if job is not None and job[0] == question and job[1].done() and job[1].exception() is not None:
            return job[1]  # it failed after its asker had gone
        if job is None or job[1].done():
            job = (question, Future())
            Thread(target=self._make, args=(question, now, job[1]), daemon=True).start()
            self._job = job  # once it has begun: where no thread is to be had, who comes next tries again
        return job[1] if job[0] == question else None

    def _make(self, question: Question, now: datetime, job: "Future[Report]") -> None:
        began = monotonic()
        try:
            made = self._read(question)
        except Exception as error:  # noqa: BLE001  # it is raised where somebody asks
            job.set_exception(error)
            return
        stands = max(FRESH, STANDS * timedelta(seconds=monotonic() - began))
        with self._lock:
            self._known.pop(question, None)
            self._known[question] = (now + stands, made)
            while len(self._known) > KEPT or (len(self._known) > 1 and self._groups() > GROUPS):
                del self._known[next(iter(self._known))]
        job.set_result(made)

    def _groups(self) -> int:
        return sum(len(report.groups) for _, report in self._known.values())
