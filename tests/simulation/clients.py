"""Whether what passes have kept of the clients is what the CRM says, once everything rests."""

from collections.abc import Iterator

from mappings.vocabulary import Kept
from sync.admin.clients import clients
from sync.clock import to_ms
from sync.crm import Kind, RecordRef
from sync.observe.clients import kept
from sync.sandbox.records import Record, Version
from sync.storage import faulty_records, memberships, versions, work_queue
from tests.simulation.wording import MOVED, meant
from tests.world import World


def untrue(world: World) -> Iterator[str]:
    """Tell each difference: of what `handoffs list` shows, and each version that the CRM shows and nobody has kept."""
    service = world.service
    world.people.flush_search()
    shown = {one.id: one.as_json() for one in clients(service.reading)}
    with service.store.read() as connection:
        now, window = service.clock.now(), service.mapping.rules.window_days
        found = {one.id: one.as_json() for one in kept(connection, now, service.today, window)}
        unwell = {one.unit.id for one in faulty_records.find(connection)}
        refs = [RecordRef(Kind.PORTFOLIO, i) for i in shown]
        queued = work_queue.find(connection, refs).values()
        unwell |= {one.record.id for one in queued if one.error is not None or one.not_before <= now}
        on = memberships.parents(connection, [str(one.id) for one in _records(world, "ticket")])
        yield from (f"portfolio {i} is not kept" for i in sorted(shown.keys() - found.keys() - unwell))
        yield from (f"portfolio {i} is kept, and not listed" for i in sorted(found.keys() - shown.keys()))
        for i in sorted(shown.keys() & found.keys() - unwell):
            different = [name for name, value in shown[i].items() if found[i][name] != value]
            yield from (f"portfolio {i}: {name} is {found[i][name]}, and {shown[i][name]}" for name in different)
        type_name = world.sandbox.process.names.object_name
        records = {RecordRef(Kind.PORTFOLIO, str(one.id)): one for one in _records(world, type_name)}
        records |= {
            RecordRef(Kind.TICKET, str(one.id)): one
            for one in _records(world, "ticket")
            if on.get(str(one.id)) in found.keys() - unwell
        }
        records = {
            ref: one for ref, one in records.items() if ref.kind is Kind.TICKET or ref.id in found.keys() - unwell
        }
        remembered = versions.of(connection, records)
    for ref, record in records.items():
        have = {(one.property, to_ms(one.at)) for one in remembered.get(ref, ())}
        for name, kept_as in _names(world, ref.kind).items():
            lost = [one for one in _own_versions(name, record) if (kept_as, one.at) not in have]
            yield from (f"{ref}: {name} of {one.at} “{one.value}” is lost" for one in lost)


def _own_versions(name: str, record: Record) -> Iterator[Version]:
    """All but those that only moved the record from a value to what is the same by another name (F.5), whoever did that."""
    before = ""
    for version in record.history.get(name, ()):
        same = version.value != before and meant(name, version.value) == meant(name, before)
        if version.actor.source_type != MOVED and not same:
            yield version
        before = version.value


def _records(world: World, type_name: str) -> list[Record]:
    portal = world.sandbox.portal
    return list(portal.records(portal.type(type_name).id))


def _names(world: World, kind: Kind) -> dict[str, Kept]:
    mapping = world.service.mapping
    if kind is Kind.PORTFOLIO:
        return {
            mapping.portfolio.properties.status: Kept.STATUS,
            mapping.portfolio.properties.refresh_date: Kept.REFRESH_DATE,
        }
    names = mapping.ticket.properties
    return {
        names.stage: Kept.STAGE,
        names.pipeline: Kept.PIPELINE,
        names.needs_revisions: Kept.NEEDS_REVISIONS,
        names.copy_approval: Kept.COPY_APPROVAL,
        names.graphic_approval: Kept.GRAPHIC_APPROVAL,
    }
