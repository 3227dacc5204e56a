"""A call to HubSpot, what it costs, and the two ways in which it ends without an answer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from sync.errors import CRMRejectedError, CRMUnavailableError
from sync.hubspot import answers
from sync.hubspot.answers import Json, Problem
from sync.storage.budget import Bucket, Observed, Priority

BRIEFLY: Final = 2.0
"""Seconds for which a call is tried again where a longer one with more inputs has just failed."""


class RequestBudget(Protocol):
    """What the transport needs of `sync.storage.budget.Budget`."""

    def take(self, bucket: Bucket, priority: Priority) -> None:
        """Return once one request may be sent."""

    def observe(self, bucket: Bucket, observed: Observed) -> None:
        """Learn what an answer's headers say of the limits."""

    def back_off(self, bucket: Bucket, seconds: float | None) -> None:
        """Stop everybody for so long; None: one window."""


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request that was sent. `endpoint` has no ids in it; `status` is None where no answer came."""

    method: str
    endpoint: str
    status: int | None
    error: str | None
    seconds: float
    attempt: int


@dataclass(frozen=True, slots=True)
class Retries:
    """How long one call keeps trying, in seconds: waits double from `first` to `longest`, `total` is for all of it."""

    total: float = 60.0
    first: float = 0.5
    longest: float = 10.0


@dataclass(frozen=True, slots=True)
class Ask:
    """A request. `bucket` None: not counted by HubSpot. `listing`: an answer without a list of results is no answer.

    `brief`: it was tried in another form just now, so it is tried for `BRIEFLY` at most.
    """

    method: str
    path: str
    endpoint: str
    body: Json | None = None
    query: Mapping[str, str] | None = None
    bucket: Bucket | None = Bucket.GENERAL
    write: bool = False
    listing: bool = False
    brief: bool = False
    token: str | None = field(default=None, repr=False)  # None: the one that all calls go with

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, slots=True)
class Answer:
    """A trustworthy 2xx.

    `asked_at`: a moment by the CRM's own clock, not later than the one at which it took up the call; None where the answer
    tells no time.
    """

    body: Json
    correlation_id: str | None
    asked_at: datetime | None = None

    @property
    def problems(self) -> list[Problem]:
        """The errors of some of the inputs, of a 207 or of a 200 that has them all the same (docs/hubspot.md 4.5)."""
        return answers.problems(self.body, self.correlation_id)

    @property
    def has_unnamed_errors(self) -> bool:
        """Whether it counts more errors than it shows."""
        counted = answers.text(self.body, "numErrors")
        return counted.isdecimal() and int(counted) > 0 and not self.problems


class NoAnswerError(CRMUnavailableError):
    """No trustworthy answer. `applied` False: the CRM certainly did nothing; None: nobody knows."""

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        correlation_id: str | None = None,
        applied: bool | None = None,
        again: bool = True,
        pause: float = 0.0,
    ) -> None:
        super().__init__(message, status=status, correlation_id=correlation_id)
        self.applied = applied
        self.again = again
        self.pause = pause  # seconds, at least, before another try


class RefusalError(CRMRejectedError):
    """The CRM understood the call and refuses all of it; `problem` is its reason."""

    def __init__(self, message: str, *, status: int, problem: Problem) -> None:
        super().__init__(message, status=status, correlation_id=problem.correlation_id)
        self.problem = problem
