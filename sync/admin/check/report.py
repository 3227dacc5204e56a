"""What `check` reports: misfits, by area, and what they mean for the command's exit code."""

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error would make the service do wrong or stand still; a warning is worth a person's attention."""

    ERROR = "error"
    WARNING = "warning"


class Cause(StrEnum):
    """What kind of thing is wrong with an error; the command's exit code follows from it, the first one here first."""

    AUTHENTICATION = "authentication"
    UNREACHABLE = "unreachable"
    MISFIT = "misfit"
    FAILED = "failed"

    @property
    def exit_code(self) -> int:
        return {Cause.AUTHENTICATION: 4, Cause.MISFIT: 5}.get(self, 1)


@dataclass(frozen=True, slots=True)
class Misfit:
    """One thing that is wrong, or may be. `where`: `file:line key` of the mapping, or the name of a setting."""

    severity: Severity
    where: str
    problem: str
    remedy: str
    cause: Cause = Cause.MISFIT
    packaged: bool = False  # it stands in the packaged default, which is not to be edited

    def as_json(self) -> dict[str, str]:
        return {
            "severity": self.severity.value,
            "where": self.where,
            "problem": self.problem,
            "remedy": self.remedy,
        }


@dataclass(frozen=True, slots=True)
class Area:
    """One part of what was compared. `note`: what there is to say of it in short; None: it could not be compared."""

    name: str
    note: str | None
    misfits: tuple[Misfit, ...]


@dataclass(frozen=True, slots=True)
class CheckReport:
    """All that was compared, in the mapping's order."""

    areas: tuple[Area, ...]

    def with_area(self, known_better: Area) -> "CheckReport":
        """Give this report with another area in the place of the one of its name."""
        return CheckReport(tuple(known_better if area.name == known_better.name else area for area in self.areas))

    @property
    def misfits(self) -> tuple[Misfit, ...]:
        return tuple(misfit for area in self.areas for misfit in area.misfits)

    @property
    def errors(self) -> tuple[Misfit, ...]:
        return tuple(misfit for misfit in self.misfits if misfit.severity is Severity.ERROR)

    @property
    def ok(self) -> bool:
        """Whether there is no error; warnings stop nothing."""
        return not self.errors

    @property
    def exit_code(self) -> int:
        causes = {misfit.cause for misfit in self.errors}
        return next((cause.exit_code for cause in Cause if cause in causes), 0)
