"""An admin's word to the breaker: so many effects more, and what was held is due again."""

import getpass
from dataclasses import dataclass
from datetime import datetime

from sync import dirty
from sync.clock import to_ms
from sync.status import Held, held
from sync.store import Store, releases


@dataclass(frozen=True, slots=True)
class Released:
    """`permitted`: effects beyond the limit, for an hour. `held`: what was let go, to be decided anew."""

    permitted: int
    held: Held


def release(store: Store, now: datetime, *, reason: str, limit: int, everything: bool) -> Released:
    """Permit `limit` effects more within the hour, or with `everything` all that is held now; who and why is kept.

    What is more than permitted is held again by the pass that meets it.
    """
    with store.write() as connection:
        holding = held(connection)
        permitted = holding.effects if everything else limit
        if permitted:
            row = releases.insert().values(at=to_ms(now), actor=actor(), reason=reason, effects=permitted)
            connection.execute(row)
        dirty.let_go(connection, now)
    return Released(permitted, holding)


def actor() -> str:
    """Who gives the command, as the machine knows them."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as containers have
        return "unknown"
