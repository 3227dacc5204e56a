"""A record with the history of its properties, and its rendering as JSON."""

from collections.abc import Sequence
from json.encoder import encode_basestring_ascii as quote
from typing import NamedTuple

from sync.sandbox.quirks import Quirks
from sync.sandbox.schema import Actor, ObjectType
from sync.sandbox.values import date_to_ms, iso

_NOTHING: tuple["Version", ...] = ()


class Version(NamedTuple):
    """One entry of a property's history; `value` is '' where it was cleared."""

    value: str
    at: int
    actor: Actor


class Record:
    """One record. `values` is replaced, never changed in place, so that the search index can keep an old one."""

    __slots__ = (
        "_rendered",
        "archived_at",
        "created",
        "history",
        "id",
        "index_values",
        "made_by",
        "merged",
        "modified",
        "type",
        "values",
    )

    def __init__(self, object_type: ObjectType, record_id: int, created: int, made_by: Actor) -> None:
        self.type = object_type
        self.id = record_id
        self.created = created
        self.modified = created
        self.made_by = made_by
        self.archived_at: int | None = None
        self.merged: list[int] = []
        self.values: dict[str, str] = {}
        self.history: dict[str, list[Version]] = {}  # oldest first
        self.index_values: tuple[dict[str, str], int] | None = None  # what search sees: values, modified
        self._rendered: dict[tuple[tuple[str, ...], tuple[str, ...]], str] = {}

    def value(self, name: str) -> str:
        """The current value of any property, the computed ones too; '' where empty."""
        computed = self._computed(name)
        return self.values.get(name, "") if computed is None else computed

    def versions(self, name: str) -> Sequence[Version]:
        """Newest first."""
        return self.history.get(name, _NOTHING)[::-1]

    def put(self, changes: dict[str, str], at: int, actor: Actor, limit: int | None) -> None:
        """Write new versions of these properties, all with one timestamp."""
        self.values = {**self.values, **changes}
        for name, value in changes.items():
            versions = self.history.setdefault(name, [])
            versions.append(Version(value, at, actor))
            if limit is not None and len(versions) > limit:
                del versions[: len(versions) - limit]
        self.touch(at)

    def touch(self, at: int) -> None:
        self.modified = max(self.modified, at)
        self._rendered.clear()

    def changed(self) -> None:
        """Forget renderings after a change other than `put` and `touch`."""
        self._rendered.clear()

    def as_json(self, properties: tuple[str, ...], history: tuple[str, ...], quirks: Quirks) -> str:
        """The record as HubSpot shows it; `properties` empty means the type's default ones.

        Computed once per state of the record: a simulation reads far more often than it writes.
        """
        key = (properties, history)
        text = self._rendered.get(key)
        if text is None:
            text = self._rendered[key] = self._render(properties, history, quirks)
        return text

    def _computed(self, name: str) -> str | None:
        match name:
            case "hs_object_id":
                return str(self.id)
            case "hs_lastmodifieddate":
                return iso(self.modified)
            case "hs_createdate":
                return iso(self.created)
            case "hs_object_source":
                return self.made_by.source_type
            case "hs_object_source_id":
                return self.made_by.source_id
            case "hs_merged_object_ids":
                return ";".join(str(old) for old in self.merged)
            case self.type.created_property:
                return iso(self.created)
        return None

    def _render(self, properties: tuple[str, ...], history: tuple[str, ...], quirks: Quirks) -> str:
        is_shown = self.type.is_shown
        always = (self.type.created_property, "hs_lastmodifieddate", "hs_object_id")
        names = dict.fromkeys((*(properties or self.type.default_properties), *history, *always))
        shown = ",".join(f"{quote(name)}:{self._shown(name, quirks)}" for name in sorted(names) if is_shown(name))
        parts = [f'{{"id":"{self.id}","properties":{{{shown}}}']
        if history:
            told = (self._told(name, quirks) for name in history if is_shown(name))
            parts.append(f'"propertiesWithHistory":{{{",".join(part for part in told if part)}}}')
        parts.append(f'"createdAt":"{iso(self.created)}","updatedAt":"{iso(self.modified)}"')
        if self.archived_at is None:
            parts.append('"archived":false}')
        else:
            parts.append(f'"archived":true,"archivedAt":"{iso(self.archived_at)}"}}')
        return ",".join(parts)

    def _shown(self, name: str, quirks: Quirks) -> str:
        value = self.value(name)
        if value == "":
            cleared = name in self.values and quirks.cleared_reads_as == "empty"
            return '""' if cleared else "null"
        if quirks.date_values == "ms" and self.type.properties[name].type == "date":
            value = date_to_ms(value)
        return quote(value)

    def _told(self, name: str, quirks: Quirks) -> str:
        versions: Sequence[Version] = self.versions(name)
        computed = self._computed(name)
        if computed:
            versions = (Version(computed, self.modified, Actor("INTERNAL_PROCESSING", "")),)
        if not versions and quirks.empty_history == "absent":
            return ""
        in_ms = quirks.history_date_values == "ms" and self.type.properties[name].type == "date"
        told = ",".join(_version_json(version, in_ms) for version in versions)
        return f"{quote(name)}:[{told}]"


def _version_json(version: Version, in_ms: bool) -> str:
    value = date_to_ms(version.value) if in_ms else version.value
    actor = version.actor
    source = f',"sourceId":{quote(actor.source_id)}' if actor.source_id else ""
    user = f',"updatedByUserId":{actor.user_id}' if actor.user_id is not None else ""
    kind = quote(actor.source_type)
    return f'{{"value":{quote(value)},"timestamp":"{iso(version.at)}","sourceType":{kind}{source}{user}}}'
