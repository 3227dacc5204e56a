"""What is compared with the portal, and the collector of what does not fit."""

from collections.abc import Callable
from dataclasses import dataclass

from mappings.load import Places
from mappings.schema import ProcessMapping
from sync.admin.check.report import Cause, Misfit, Severity
from sync.admin.probe import Obstacle
from sync.clock import Clock
from sync.crm import CRMReader
from sync.errors import AuthenticationError
from sync.passes.email import MailServer
from sync.settings import Settings

Path = tuple[str | int, ...]
"""A key of the mapping, part by part."""

Probe = Callable[[str, str, Clock], Obstacle | None]
"""`probe.obstacle`: what keeps webhooks from arriving at a public URL, by a client secret."""


@dataclass
class Deployment:
    """One deployment of the service: its mapping, its settings and what it speaks to."""

    crm: CRMReader
    mapping: ProcessMapping
    settings: Settings
    mail_server: MailServer | None  # None: EMAIL_URL is not set
    clock: Clock
    probe: Probe
    has_object: bool = False  # whether the portal has the portfolio's object; known once that area was compared
    fits: bool = True  # whether all that a pass needs is there; known once those areas were compared


class SkippedError(Exception):
    """An area cannot be compared, for a reason that is a misfit already."""


class Misfits:
    """Collects misfits, each with the place in the mapping or the setting that it stands in."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._found: list[Misfit] = []
        self.refused: dict[str, list[str]] = {}
        """A missing scope ('' where HubSpot names none) → what it is needed for."""

    def take(self) -> tuple[Misfit, ...]:
        """Hand over what was collected since the last time."""
        found = tuple(self._found)
        self._found.clear()
        return found

    def error(self, key: Path, problem: str, remedy: str) -> None:
        """Note what would make the service do wrong, at a key of the mapping."""
        self.note(Severity.ERROR, key, problem, remedy)

    def warning(self, key: Path, problem: str, remedy: str) -> None:
        """Note what is worth a person's attention, at a key of the mapping."""
        self.note(Severity.WARNING, key, problem, remedy)

    def note(self, severity: Severity, key: Path, problem: str, remedy: str) -> None:
        """Note a misfit at a key of the mapping; once, however often it is found."""
        place = self._places.of(*key)
        misfit = Misfit(severity, str(place), problem, remedy, packaged=place.packaged)
        if misfit not in self._found:
            self._found.append(misfit)

    def setting(
        self,
        name: str,
        problem: str,
        remedy: str,
        *,
        severity: Severity = Severity.ERROR,
        cause: Cause = Cause.MISFIT,
    ) -> None:
        """Note a misfit of a setting."""
        self._found.append(Misfit(severity, name, problem, remedy, cause))

    def not_permitted(self, purpose: str, error: AuthenticationError) -> None:
        """Keep a missing scope for the area of scopes; raise the error where the token is refused altogether."""
        if error.status != 403:
            raise error
        for scope in error.scopes or ("",):
            self.refused.setdefault(scope, []).append(purpose)
