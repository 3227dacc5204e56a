"""Does an answer have all that was asked for? Pure. Absent is not empty (docs/hubspot.md 4.7): empty is null or ''."""

from collections.abc import Iterable, Iterator, Sequence

from sync.crm import Gap, Lack, RawVersion, Record, moment_of
from sync.hubspot import answers
from sync.hubspot.answers import Json

_HISTORIES = "propertiesWithHistory"


def gaps(
    record: Record, raw: Json, properties: Iterable[str], history: Iterable[str], *, lists_empty: bool
) -> tuple[Gap, ...]:
    """List what this record came without, of these properties and these properties' histories.

    `lists_empty`: this portal shows the history of a property that was never set as an empty list. Where that is not
    known, an absent one counts as such while the property is empty (docs/hubspot.md 4.6).
    """
    return (*_without_value(record, (*properties, *history)), *_without_history(record, raw, history, lists_empty))


def shows_an_empty_history(raw: Json) -> bool:
    """Tell whether an object of an answer shows a history in which there is no version, of a property that is empty."""
    values = answers.child(raw, "properties")
    empty = (name for name, entries in answers.child(raw, _HISTORIES).items() if entries == [])
    return any(name in values and not answers.text(values, name) for name in empty)


def _without_value(record: Record, names: Iterable[str]) -> Iterator[Gap]:
    return (Gap(Lack.PROPERTY, name) for name in dict.fromkeys(names) if name not in record.properties)


def _without_history(record: Record, raw: Json, names: Iterable[str], lists_empty: bool) -> Iterator[Gap]:
    shown = raw.get(_HISTORIES)
    for name in dict.fromkeys(names):
        value = record.properties.get(name)
        if value is None:
            continue  # it is missing as a whole
        versions = record.history.get(name)
        never_set = isinstance(shown, dict) and name not in shown and value == "" and not lists_empty
        if versions is None and not never_set:
            yield Gap(Lack.HISTORY, name)
        elif versions is not None and not _ends_in(versions, value, mixed=_is_mixed(record, versions)):
            yield Gap(Lack.LATE, name)


def _is_mixed(record: Record, versions: Sequence[RawVersion]) -> bool:
    """Whether the newest of these versions may be that of the other record, of two that were merged (docs/hubspot.md 4.12).

    Not if it came after the merge, as far as a version that the merge has written tells when that was.
    """
    if not record.absorbed:
        return False
    by_merge = [version.at for history in record.history.values() for version in history if version.by_merge]
    return not (versions and by_merge and versions[0].at > max(by_merge))


def _ends_in(versions: Sequence[RawVersion], value: str, *, mixed: bool) -> bool:
    """Whether a history (newest first) leads to the value that stands; an empty one leads to an empty value.

    In a `mixed` one any version may.
    """
    newest = [version.value for version in versions if mixed or version.at == versions[0].at] or [""]
    return any(_reads_as(version, value) for version in newest)


def _reads_as(version: str, value: str) -> bool:
    """Whether a version and a value are the same: a date is written in two ways (docs/hubspot.md 4.2)."""
    if version.strip() == value.strip():
        return True
    moment = moment_of(version) if version and value else None
    return moment is not None and moment == moment_of(value)
