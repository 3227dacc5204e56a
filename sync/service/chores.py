"""What a worker does again and again, each thing for itself: what keeps one from being done keeps no other."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from sync.errors import (
    AuthenticationError,
    CRMRejectedError,
    CRMUnavailableError,
    HandoffsError,
    MappingMisfitError,
    RefusedError,
    StoreError,
    TaskPropertyMissingError,
    WrongPortalError,
)
from sync.log import text_of
from sync.observe import health
from sync.service.bootstrap import Service
from sync.storage import service_state
from sync.storage.service_state import Entry, Failing

UNREACHABLE_FOR = (timedelta(seconds=5), timedelta(seconds=15), timedelta(seconds=30), timedelta(seconds=60))
"""How long a chore waits while the CRM cannot be reached, by the number of its failures in a row."""

REFUSED_FOR = timedelta(seconds=60)
"""How long it waits after a refused token, a mapping that does not fit, or what nobody foresaw."""

log = structlog.get_logger()


class Chore:
    """One thing to be done again and again. After a failure it is put off for a while; `well` None: not tried yet."""

    def __init__(self, name: str, do: Callable[[], None], trouble: "Trouble") -> None:
        self.name = name
        self.well: bool | None = None
        self._do = do
        self._trouble = trouble
        self._failures = 0
        self._put_off_at: datetime | None = None
        self._put_off_for = timedelta()

    def attempt(self) -> None:
        """Do it, unless it is put off. Raises nothing: what goes wrong is logged, and told to the admin who must mend it."""
        now = self._trouble.now()
        if self._put_off_at is not None and timedelta() <= now - self._put_off_at < self._put_off_for:
            return
        try:
            self._do()
        except Exception as error:  # noqa: BLE001 - the boundary: a chore must not end the worker, nor another chore
            self._failures += 1
            self.well = False
            self._put_off_for = self._trouble.met(self.name, error, self._failures)
            self._put_off_at = self._trouble.now()
        else:
            if self.well is not True:
                self._trouble.over(self.name)
            self._failures = 0
            self.well = True
            self._put_off_at = None


class Trouble:
    """What concerns every record: it is logged, kept for `status`, and told to the admin."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def now(self) -> datetime:
        return self._service.clock.now()

    def met(self, chore: str, error: Exception, failures: int) -> timedelta:
        """Tell of an error, the so-manieth in a row; how long to put the chore off. Raises nothing."""
        try:
            self._note(chore, error)
            return self._met(chore, error, failures)
        except Exception:  # telling of a failure must not be one
            log.exception("worker.trouble_not_told", chore=chore, error=text_of(error))
            return REFUSED_FOR

    def over(self, chore: str) -> None:
        """Note that a chore succeeds. Raises nothing: what cannot be noted stands until the next time."""
        try:
            self._keep(chore, None)
        except Exception as error:  # such as what a later release has kept: it must not end the worker
            log.exception("worker.success_not_noted", chore=chore, error=text_of(error))

    def mended(self) -> None:
        """Note that everything works: what stood in the way of all passes does so no longer. Raises `StoreError`."""
        store = self._service.store
        with store.read() as connection:
            stand = [entry for entry, stands in health.refusals(connection).items() if stands]
        if stand:
            with store.write() as connection:
                for entry in stand:
                    service_state.put(connection, entry, None)

    def alert(self, kind: str, message: str) -> None:
        """Alert the admin; a database that does not keep it is logged."""
        try:
            self._service.alerts(kind, message)
        except StoreError as error:
            log.warning("admin.alert_not_kept", error=str(error))

    def _note(self, chore: str, error: Exception) -> None:
        """Keep since when a chore has failed, for `status` and `/readyz`."""
        if isinstance(error, AuthenticationError | MappingMisfitError | WrongPortalError):
            self._keep(chore, None)  # what stops all passes is kept apart, and is the newer reason
            return
        entry = service_state.failing(chore)
        try:
            with self._service.store.read() as connection:
                before = service_state.get(connection, entry)
        except StoreError:
            before = None
        since, times = (self.now(), 0) if before is None else (before.since, before.times)
        self._keep(chore, Failing(since, times + 1, text_of(error), isinstance(error, StoreError)))

    def _keep(self, chore: str, failing: Failing | None) -> None:
        entry = service_state.failing(chore)
        try:
            with self._service.store.read() as connection:
                before = service_state.get(connection, entry)
            if before != failing:
                with self._service.store.write() as connection:
                    service_state.put(connection, entry, failing)
        except StoreError as error:
            log.warning("chore.state_not_kept", chore=chore, error=str(error))

    def _met(self, chore: str, error: Exception, failures: int) -> timedelta:
        match error:
            case AuthenticationError() if error.status == 401 and self._token_renewed():
                return timedelta()
            case AuthenticationError() | MappingMisfitError() | WrongPortalError():
                return self._refused(_kept_as(error), chore, error)
            case CRMUnavailableError() | CRMRejectedError():
                pause = UNREACHABLE_FOR[min(failures, len(UNREACHABLE_FOR)) - 1]
                log.warning("crm.unavailable", chore=chore, error=str(error), again_in=pause.total_seconds())
                if failures == len(UNREACHABLE_FOR):
                    self.alert(
                        "unreachable",
                        f"{error}\n\nThis keeps the {chore} from its work; all else goes on where it can.",
                    )
                return pause
            case RefusedError() | StoreError():
                log.error("worker.put_off", chore=chore, error=str(error))
                return UNREACHABLE_FOR[0]
            case HandoffsError():
                log.error("worker.put_off", chore=chore, error=str(error))
                return REFUSED_FOR
            case _:
                log.error("worker.unforeseen", chore=chore, exc_info=error)
                self.alert(
                    "unforeseen",
                    f"{type(error).__name__}: {text_of(error)}\n\nIn the {chore}; the log has the whole of it.",
                )
                return REFUSED_FOR

    def _token_renewed(self) -> bool:
        """Whether somebody has rotated the token in `.env`, and it is in use from now on."""
        try:
            renewed = self._service.renew_token()
        except WrongPortalError as error:
            self._refused(service_state.WRONG_PORTAL, "token", error)
            return False
        except HandoffsError as error:
            log.warning("token.not_renewed", error=str(error))
            return False
        if renewed:
            log.info("token.renewed")
        return renewed

    def _refused(self, entry: Entry[str | None], chore: str, error: HandoffsError) -> timedelta:
        log.error("worker.refused", kind=entry.name, chore=chore, error=str(error))
        self._service.portals.forget()
        self.alert(entry.name, str(error))
        with self._service.store.write() as connection:
            service_state.put(connection, entry, str(error))
            if entry is not service_state.TOKEN_REFUSED:
                # Whatever else is told, is told to a good one.
                service_state.put(connection, service_state.TOKEN_REFUSED, None)
        return REFUSED_FOR


def _kept_as(error: AuthenticationError | MappingMisfitError | WrongPortalError) -> Entry[str | None]:
    """Tell as what it is kept that a pass, a poll or a sweep is refused."""
    match error:
        case AuthenticationError():
            forbidden = error.status == 403
            return service_state.PERMISSION_REFUSED if forbidden else service_state.TOKEN_REFUSED
        case TaskPropertyMissingError():
            return service_state.TASK_PROPERTY_MISSING
        case MappingMisfitError():
            return service_state.MAPPING_MISFIT
        case WrongPortalError():
            return service_state.WRONG_PORTAL
