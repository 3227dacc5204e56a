"""What only reads holds nothing that can write: by its types, and as it is put together."""

import inspect
from collections.abc import Iterator
from dataclasses import is_dataclass
from types import UnionType
from typing import get_args, get_type_hints

import pytest

from sync.admin import adopt, backfill, check, explain, inventory, plan, portfolios, verify
from sync.admin import timeline as history
from sync.crm import CRM, CRMReader
from sync.hubspot import HubSpot, HubSpotReader
from sync.observe import health, status
from sync.passes.effects import Performer
from sync.passes.email import Mailer
from sync.passes.reconcile import Reconciler
from sync.passes.rounds import Rounds
from sync.service.bootstrap import Service
from sync.service.reading import ReadingService
from sync.storage.database import Store, StoreReader
from tests.world import World

WRITERS = {CRM, HubSpot, Store, Mailer, Performer, Reconciler, Rounds, Service}

READERS = [
    *(
        plan.make,
        plan.only,
        explain.explain,
        portfolios.find,
        inventory.take_inventory,
        inventory.all_portfolios,
        verify.verify,
    ),
    *(adopt.plan, backfill.propose, check.check, history.read, status.read, health.readiness),
]


def held(annotation: object) -> Iterator[type]:
    """Every class of this project that an annotation names."""
    if isinstance(annotation, type) and annotation.__module__.partition(".")[0] in {"sync", "mappings", "webhooks"}:
        yield annotation
    if get_args(annotation) or isinstance(annotation, UnionType):
        for part in get_args(annotation):
            if not isinstance(part, str):
                yield from held(part)


def parts(one: type) -> Iterator[type]:
    """What an object of this class is made with."""
    source = one if is_dataclass(one) else one.__init__  # type: ignore[misc]  # a class, whose __init__ is its own
    if inspect.isfunction(source) or is_dataclass(one):
        for annotation in get_type_hints(source).values():
            yield from held(annotation)


def reach(*begin: type) -> dict[type, type | None]:
    """Every class that can be reached from these by what they are made with, and by which."""
    found: dict[type, type | None] = dict.fromkeys(begin)
    waiting = list(begin)
    while waiting:
        one = waiting.pop()
        for part in parts(one):
            if part not in found:
                found[part] = one
                waiting.append(part)
    return found


def test_the_walk_finds_what_can_write() -> None:
    assert reach(Service).keys() | {HubSpot} >= WRITERS  # the client is known as `CRM`


def test_the_reading_service_reaches_nothing_that_can_write() -> None:
    found = reach(ReadingService)
    assert {CRMReader, StoreReader} <= found.keys()
    assert not WRITERS & found.keys()


@pytest.mark.parametrize("reader", READERS, ids=lambda each: f"{each.__module__.rpartition('.')[2]}.{each.__name__}")
def test_what_only_reads_is_given_nothing_that_can_write(reader: object) -> None:
    given = [part for annotation in get_type_hints(reader).values() for part in held(annotation)]
    assert not WRITERS & reach(*given).keys()


def test_a_reader_of_the_crm_has_no_method_that_changes_it() -> None:
    def methods(of: type) -> set[str]:
        return {name for name, _ in inspect.getmembers(of, inspect.isfunction) if not name.startswith("_")}

    assert methods(CRM) - methods(CRMReader) == {
        *("update", "create", "send_single_email"),
        "email_fate",  # a read, of what only `send_single_email` names: who sends nothing has nothing to ask
        "take_token",  # changes how every later call is made
        *("create_property", "create_object", "create_pipeline", "create_association"),
    }


def test_a_reader_of_the_database_cannot_write(world: World) -> None:
    reading = world.service.reading
    assert type(reading.store) is StoreReader
    assert not hasattr(reading.store, "write")


def test_a_reader_of_the_crm_cannot_write(world: World) -> None:
    reading = world.service.reading
    assert type(reading.crm) is HubSpotReader
    assert not hasattr(reading.crm, "update")
    assert not hasattr(reading.crm, "send_single_email")
