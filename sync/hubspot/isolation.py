"""Which input a batch read fails for: the batch is halved until it is found, so that one record does not starve the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sync.hubspot.ask import NoAnswerError, RefusalError

FAILURES: Final = 10
"""After so many inputs that fail alone, while none was ever answered, it is the call that fails and no record."""

_REFUSED_FOR_ITS_INPUTS: Final = {400, 413, 414}

T = TypeVar("T")


@dataclass(slots=True)
class Isolation(Generic[T]):
    """One batch read that is carried out by parts where it fails as a whole.

    `call` reads some inputs: `again` says that a longer call with them has just failed, so that it need not try for long.
    `control` asks the CRM something of the same kind that names no record: it fails if the CRM does. `give_up` is told of
    an input for which alone the call fails, while others are answered.
    """

    call: Callable[[Sequence[T], bool], None]
    control: Callable[[], None]
    give_up: Callable[[T, NoAnswerError | RefusalError], None]
    answered: bool = False
    failures: int = 0

    def read(self, inputs: Sequence[T], *, again: bool = False) -> None:
        """Read them all. Raises the error of the call where no record of them explains it."""
        try:
            self.call(inputs, again)
            self.answered = True
        except (NoAnswerError, RefusalError) as error:
            if not may_be_for_an_input(error) or (len(inputs) == 1 and not again and isinstance(error, RefusalError)):
                raise
            if len(inputs) > 1:
                middle = len(inputs) // 2
                self.read(inputs[:middle], again=True)
                self.read(inputs[middle:], again=True)
                return
            self._require_others(error)
            self.give_up(inputs[0], error)

    def _require_others(self, error: NoAnswerError | RefusalError) -> None:
        """Raise the error if it is not for this input alone, as far as can be told."""
        self.failures += 1
        if self.answered:
            return
        if isinstance(error, RefusalError):
            if self.failures > 1:
                raise error  # it refuses the call, whomever that names
            return
        if self.failures > FAILURES:
            raise error
        try:
            self.control()
        except (NoAnswerError, RefusalError):
            raise error from None


def may_be_for_an_input(error: NoAnswerError | RefusalError) -> bool:
    """Whether a call may have failed for what it names: it is too much, or the CRM stumbles over one of it.

    Not so where it was told to wait, or nobody was reached.
    """
    if isinstance(error, RefusalError):
        return error.status in _REFUSED_FOR_ITS_INPUTS
    return error.applied is None and (error.status is None or error.status >= 500)
