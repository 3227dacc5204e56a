"""The few errors, sorted by what is to be done about them.

Each names the record it met and, where there is one, the setting to change. A command ends with the `exit_code` of the
error that ended it; the worker keeps a record enqueued, backs off or stops, as the class says.
"""

INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended, as shells have it."""


class HandoffsError(Exception):
    """Base of every error that this service raises on purpose."""

    exit_code = 1


class ConfigurationError(HandoffsError):
    """A setting or the mapping is wrong: a person must change it, no retry heals it."""

    exit_code = 2


class MappingMisfitError(HandoffsError):
    """The mapping names something that the portal does not have."""

    exit_code = 5


class WrongPortalError(HandoffsError):
    """The token is another portal's than the database's: what either knows says nothing of the other."""

    exit_code = 5


class TaskPropertyMissingError(MappingMisfitError):
    """The portal lacks the property that carries the keys of tasks: `handoffs setup` makes it."""


class RefusedError(HandoffsError):
    """A limit or an unanswered question holds the work back; an admin's word lets it go."""

    exit_code = 3


class StoreError(HandoffsError):
    """The database cannot be read or written: nothing was decided, nothing was lost."""


class LaneLostError(StoreError):
    """The lock of a lane went with the connection that had it: whoever ran a pass there writes nothing more."""


class CRMError(HandoffsError):
    """A call to the CRM failed. `correlation_id` is HubSpot's own name for the failure, to quote to its support."""

    def __init__(self, message: str, *, status: int | None = None, correlation_id: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.correlation_id = correlation_id


class AuthenticationError(CRMError):
    """The token is refused (401) or lacks a scope (403): nothing works until it is changed.

    `scopes` are those that are missing, as far as HubSpot names them.
    """

    exit_code = 4

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        correlation_id: str | None = None,
        scopes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message, status=status, correlation_id=correlation_id)
        self.scopes = scopes


class CRMUnavailableError(CRMError):
    """The CRM did not answer, or only with 429 and 5xx, for as long as one call may try. Try again later.

    Whether a *write* was applied is then unknown.
    """


class PartialAnswerError(CRMUnavailableError):
    """The CRM answered, but a part of the answer is missing or makes no sense: it may be for one record alone."""


class FaultyRecordError(PartialAnswerError):
    """A record came without something that was asked for: nothing may be concluded from it. The text names both."""


class UnnamedMatchError(PartialAnswerError):
    """A match of a search came without its record's id, so that nobody can tell which it is. All others were found."""


class PeopleNotReadError(PartialAnswerError):
    """A record names somebody who is not known yet, and the CRM does not tell who works there: that record has to wait."""


class CRMRejectedError(CRMError):
    """The CRM understood and refuses (400, 404, 409, a validation rule): the same call will fail again."""


class EmailError(HandoffsError):
    """The email was certainly not sent.

    `permanent` says that the same message will be refused again, `server_down` that no email at all can be sent now;
    with `login_refused` that is so until somebody changes EMAIL_URL.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, server_down: bool = False, login_refused: bool = False
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.server_down = server_down
        self.login_refused = login_refused


class EmailUnknownError(HandoffsError):
    """The message was handed over but its answer has not come: it may or may not have been sent.

    `answers_within`: the seconds within which an answer may still come; None: none comes any more.
    """

    def __init__(self, message: str, *, answers_within: float | None = None) -> None:
        super().__init__(message)
        self.answers_within = answers_within


def last_line(failure: str | None) -> str:
    """The last line of a traceback, which says what went wrong; in words where nothing was kept."""
    lines = (failure or "").strip().splitlines() or ["no error was kept"]
    return lines[-1]
