"""What passes came to, counted for logs and for commands."""

from dataclasses import dataclass

from sync.passes.effects.attempts import Performed


@dataclass
class Tally:
    """Counts over any number of passes."""

    looked: int = 0  # records that got a pass
    tried: int = 0
    failed: int = 0
    unknown: int = 0
    not_sent: int = 0  # certainly not applied, to be tried again
    held: int = 0  # effects that the breaker holds
    errors: int = 0  # records whose pass failed

    def __iadd__(self, other: "Tally") -> "Tally":
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self

    def count(self, performed: Performed) -> None:
        """Add what one round has tried."""
        self.tried += performed.tried
        self.failed += performed.failed
        self.unknown += performed.unknown
        self.not_sent += performed.not_sent
