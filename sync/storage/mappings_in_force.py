"""Which mapping was in force when: written down before the first pass that goes by it.

>>> mappings_in_force.note(connection, past_mapping(mapping, clock.now(), …))    # where it differs from the last one
>>> mappings_in_force.history(connection).at(version.at)
"""

import json
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, select

from mappings.schema import Condition
from mappings.vocabulary import Revision, Status
from sync.clock import from_ms, to_ms
from sync.rules.in_force import MappingHistory, PastMapping
from sync.storage.database import to_json
from sync.storage.tables import mappings_in_force
from sync.storage.upsert import upsert

_ALL = select(mappings_in_force).order_by(mappings_in_force.c.since)
_NEWEST = select(mappings_in_force).order_by(mappings_in_force.c.since.desc()).limit(1)
_NEW = upsert(mappings_in_force)  # of two of the same moment the first was never in force


def history(connection: Connection) -> MappingHistory:
    """Read every mapping that was in force."""
    return MappingHistory(tuple(_read(row.since, row.mapping) for row in connection.execute(_ALL)))


def newest(connection: Connection) -> PastMapping | None:
    """Read the mapping that passes went by last; None: there was no pass yet."""
    row = connection.execute(_NEWEST).one_or_none()
    return None if row is None else _read(row.since, row.mapping)


def note(connection: Connection, mapping: PastMapping) -> None:
    """Write down that this mapping is in force from its moment on."""
    connection.execute(_NEW, {"since": to_ms(mapping.since), "mapping": to_json(_written(mapping))})


def _written(mapping: PastMapping) -> dict[str, Any]:
    return {
        "window_days": mapping.window_days,
        "time_zone": mapping.time_zone,
        "condition": [{"property": one.property, "in": list(one.values)} for one in mapping.condition],
        "statuses": {value: status.value for value, status in mapping.statuses.items()},
        "revisions": {value: revision.value for value, revision in mapping.revisions.items()},
        "approved": mapping.approved,
        "pipeline": mapping.pipeline,
        "in_progress": mapping.in_progress,
        "pending_approval": mapping.pending_approval,
        "status_property": mapping.status_property,
        "revision_property": mapping.revision_property,
    }


@lru_cache(maxsize=64)  # every group that is read asks for them
def _read(since: int, text: str) -> PastMapping:
    kept = json.loads(text)
    return PastMapping(
        since=from_ms(since),
        window_days=kept["window_days"],
        time_zone=kept["time_zone"],
        zone=ZoneInfo(kept["time_zone"]),
        condition=tuple(Condition.model_validate(one) for one in kept["condition"]),
        statuses={value: Status(status) for value, status in kept["statuses"].items()},
        revisions={value: Revision(revision) for value, revision in kept["revisions"].items()},
        approved=kept["approved"],
        pipeline=kept["pipeline"],
        in_progress=kept["in_progress"],
        pending_approval=kept["pending_approval"],
        status_property=kept["status_property"],
        revision_property=kept["revision_property"],
    )
