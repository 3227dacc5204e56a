"""Which records an effect is about, as its payload in the ledger says. Pure."""

from collections.abc import Iterable

from sync.crm import Kind, RecordRef
from sync.storage.ledger import LedgerEffect


def written(effect: LedgerEffect) -> RecordRef:
    """Name the record that a write changes."""
    return effect.record  # its payload names the id that it had when it was decided: it may have been merged since


def expected(effect: LedgerEffect) -> Iterable[tuple[str, str]]:
    """Name the values that a write replaces, and those that it depends on, each with its property."""
    expects: dict[str, str] = effect.payload["expects"]
    return expects.items()


def addressed_task(effect: LedgerEffect) -> str:
    """Name the task (an id) that a closing completes, or that gets a line."""
    return str(effect.payload["task"])


def first_place(effect: LedgerEffect) -> RecordRef:
    """Name the first of the records that a task is made on."""
    return effect.record


def places(effect: LedgerEffect) -> tuple[RecordRef, ...]:
    """Name the records that a task is made on. A ticket's portfolio is the one that it is on now, not when it was decided."""
    tickets = [effect.record] if effect.record.kind is Kind.TICKET else []
    parent = () if effect.portfolio is None else (RecordRef(Kind.PORTFOLIO, effect.portfolio),)
    return (*tickets, *parent)
