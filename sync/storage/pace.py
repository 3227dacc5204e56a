"""How fast requests may follow each other under a limit of a rolling window. Pure: moments and what is held in and out.

Two rules, and a request needs both:

- **A log of the last window.** The limit is kept whatever came before, and all of it can be used: each request waits until
  the one that is `limit` before it has left the window. The window is counted `WAY_MS` longer than it is, as one request may
  take so much longer than another on its way (the first after a pause opens its connection).
- **A bucket**, which spreads them: some at once, and then as many as flow in evenly. Without it all of the limit would
  go out in the first second, and who comes after that, a person's change too, would wait for the rest of the window.

Moments are milliseconds of one clock that all takers share.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from typing import Final

TOKEN: Final = 1000
"""The bucket counts thousandths of a request."""

WAY_MS: Final = 250
"""By how much one request may take longer on its way than another, in milliseconds: 190 per 10 s are 18.5 a second then,
0.976 of the limit. More would be nearer to it, and be refused where the network's delay varies."""

SPARE: Final = 20
"""Of the reserve's share of the limit bulk work leaves this part in the window: 3 of 190. They last until those of a second ago
leave it; the bucket's reserve does the rest."""


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `requests` in any window of `seconds`, at most `burst` of them at once (0: a tenth, at least one)."""

    requests: int
    seconds: float
    burst: int = 0

    def __post_init__(self) -> None:
        if self.requests < 2 or self.seconds <= 0:
            raise ValueError("a limit needs two requests or more, and a window")
        burst = self.burst or max(1, self.requests // 10)
        if not 1 <= burst < self.requests:
            raise ValueError("the burst must leave some of the limit to be refilled")
        object.__setattr__(self, "burst", burst)

    @property
    def window_ms(self) -> int:
        return round(self.seconds * 1000)

    @property
    def span_ms(self) -> int:
        """For how long a request counts."""
        return self.window_ms + WAY_MS

    @property
    def most(self) -> int:
        """Thousandths of a request that a full bucket holds."""
        return self.burst * TOKEN


@dataclass(frozen=True, slots=True)
class Held:
    """What a bucket holds at `filled_at`, and when the requests of the last window were taken, the oldest first.

    `filled_at` lies ahead of the clock during a pause.
    """

    tokens: int
    filled_at: int
    taken: tuple[int, ...] = ()

    def is_ahead(self, limit: Limit, now: int) -> bool:
        """Whether the clock was set back: a request that is still to come, or a pause that is longer than any."""
        return self.filled_at > now + limit.window_ms or (bool(self.taken) and self.taken[-1] > now)

    def at(self, limit: Limit, now: int) -> "Held":
        """What it holds now. Requests that lie ahead, by a clock that was set back, count as made now: nothing is given away."""
        still = tuple(min(moment, now) for moment in self.taken if moment >= now - limit.span_ms)
        if self.filled_at > now + limit.window_ms:
            return Held(min(limit.most, self.tokens), now, still)
        if self.filled_at > now:
            return replace(self, taken=still)
        flowed = (now - self.filled_at) * limit.requests * TOKEN // limit.span_ms
        return Held(min(limit.most, self.tokens + flowed), now, still)

    def wait(self, limit: Limit, leaves: float, now: int) -> int:
        """Milliseconds after which to ask again, at most a window; 0: a request may be taken now. After `at`.

        `leaves`: the share of the reserve that whoever asks must leave, of the burst and, by `SPARE`, of the window.
        """
        need = min(limit.most, TOKEN + round(leaves * limit.most))  # a burst of one has nothing to leave
        lacking = max(0, need - self.tokens)
        ready = self.filled_at - (-lacking * limit.span_ms // (limit.requests * TOKEN))
        before = max(1, limit.requests - round(leaves * limit.requests / SPARE))
        if len(self.taken) >= before:
            ready = max(ready, self.taken[-before] + limit.span_ms + 1)
        return min(limit.window_ms, max(0, ready - now))

    def take(self) -> "Held":
        """Take one, now: after `at` and a `wait` of 0."""
        return Held(self.tokens - TOKEN, self.filled_at, (*self.taken, self.filled_at))

    def paused(self, until: int) -> "Held":
        """Give nothing until then, and begin from empty; a longer pause stays."""
        return replace(self, tokens=0, filled_at=max(self.filled_at, until))

    def available(self, limit: Limit) -> int:
        """How many may be taken at once. After `at`."""
        return max(0, min(self.tokens // TOKEN, limit.requests - len(self.taken)))


def full(limit: Limit, now: int) -> Held:
    """A bucket of which nothing was taken."""
    return Held(limit.most, now)


def packed(moments: Sequence[int]) -> str:
    """Write moments, the oldest first, as a short text: the first one, and each step to the next."""
    return ",".join(map(str, [*moments[:1], *(later - earlier for earlier, later in pairwise(moments))]))


def unpacked(text: str) -> tuple[int, ...]:
    """Read what `packed` wrote."""
    return tuple(accumulate(map(int, text.split(",")))) if text else ()
