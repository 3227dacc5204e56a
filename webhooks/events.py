"""Bytes of a delivery → events. Pure. What is not understood is kept: an event is never refused for its kind.

Both families are read: the legacy one, whose subscription names the object (`ticket.propertyChange`), and the generic
one (`object.propertyChange` with `objectTypeId`). Field names are HubSpot's webhook reference's.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec

from sync.errors import HandoffsError
from sync.storable import storable_text
from sync.storage.inbox import End, Event, Merge

MAX_DEPTH = 32
"""HubSpot's events are flat. The limit keeps later steps clear of Python's own, which varies with the call stack."""

_MAX_INT_DIGITS = 18  # fits the database's 64 bits; a longer number is kept as its text

_ESCAPE = b"\\u"
_SORTED = json.JSONEncoder(sort_keys=True)  # made once: `dumps` makes one a call

_ID = re.compile(r"[1-9][0-9]{0,18}")
_MOMENT = re.compile(r"[0-9]{1,18}")


class Malformed(StrEnum):
    """Why a body cannot be a delivery; the value is the reason that log and answer show."""

    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    TOO_DEEP = "too_deep"
    NOT_AN_ARRAY = "not_an_array"
    NOT_AN_OBJECT = "element_not_an_object"


class MalformedBodyError(HandoffsError):
    """The body is no array of JSON objects: nothing of it is stored."""

    def __init__(self, reason: Malformed) -> None:
        super().__init__(f"the body is no delivery: {reason}")
        self.reason = reason


class Kind(StrEnum):
    """What happened: the last part of `subscriptionType`."""

    PROPERTY_CHANGE = "propertyChange"
    CREATION = "creation"
    DELETION = "deletion"
    RESTORE = "restore"
    MERGE = "merge"
    ASSOCIATION_CHANGE = "associationChange"
    OTHER = "other"  # not one of HubSpot's CRM kinds, or not one that was known when this was written


_BY_VALUE = {kind.value: kind for kind in Kind}


class _Shape(msgspec.Struct, rename={"subscription": "subscriptionType"}):
    """What is read of an event before it is kept; the rest of it is checked to be JSON, and passed over."""

    subscription: object = ""


_SHAPES = msgspec.json.Decoder(list[_Shape])

# After these a ticket may belong to another portfolio than the database remembers, so the ticket itself is read again.
# A deletion is not among them: the portfolio that the ticket is known to belong to is what needs a pass.
_MOVES = frozenset({Kind.ASSOCIATION_CHANGE, Kind.MERGE, Kind.RESTORE, Kind.CREATION})

# What else tells two changes of one moment apart.
_FLAGS = (
    "associationType",
    "associationTypeId",
    "associationCategory",
    "associationRemoved",
    "isPrimaryAssociation",
    "changeFlag",
)


def parse(body: bytes) -> list[Event]:
    """Read every event of a delivery, in its order. Raises `MalformedBodyError` if the body is no array of objects."""
    value = _decode(body)
    if not isinstance(value, list):
        raise MalformedBodyError(Malformed.NOT_AN_ARRAY)
    # UTF-8 holds no lone surrogate, and JSON no NUL, but as an escape: without one every text is storable.
    storable = _ESCAPE not in body
    found = []
    for element in value:
        raw = element if storable and _is_flat(element) else _storable(element)
        if not isinstance(raw, dict):
            raise MalformedBodyError(Malformed.NOT_AN_OBJECT)
        found.append(_event(raw))
    return found


def kinds_of(body: bytes) -> list[Kind]:
    """Check that a body is a delivery, as `parse` would, and read the kind of each event: some twenty times as fast (100 events).

    Raises `MalformedBodyError` where `parse` does. What is not as HubSpot writes it (nested values, half an emoji, an odd
    number) is left to `parse` to judge.
    """
    try:
        shapes = _SHAPES.decode(body.decode())
    except (ValueError, msgspec.MsgspecError, RecursionError):  # msgspec 0.20's errors are no ValueError
        shapes = None
    # As many brackets as a flat delivery has; more of them in its texts cost the time of the slower way, and no more.
    if shapes is None or body.count(b"{") != len(shapes) or body.count(b"[") != 1:
        return [kind_of(event.subscription) for event in parse(body)]
    return [kind_of(_text(one.subscription)) for one in shapes]


def kind_of(subscription: str) -> Kind:
    """Read the kind of a subscription type, without its family: one of a few, so that it can label a metric."""
    family, _, kind = subscription.rpartition(".")
    return _BY_VALUE.get(kind, Kind.OTHER) if family else Kind.OTHER


def _decode(body: bytes) -> object:
    try:
        return json.loads(body.decode(), parse_int=_int, parse_float=_float, parse_constant=_no_constant)
    except UnicodeDecodeError:
        raise MalformedBodyError(Malformed.NOT_UTF8) from None
    except ValueError:
        raise MalformedBodyError(Malformed.NOT_JSON) from None
    except RecursionError:
        raise MalformedBodyError(Malformed.TOO_DEEP) from None


def _int(digits: str) -> int | str:
    return int(digits) if len(digits) <= _MAX_INT_DIGITS else digits


def _float(digits: str) -> float | str:
    value = float(digits)
    return value if abs(value) != float("inf") else digits  # 1e999 is JSON, but an infinity could not be written again


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is no JSON")


def _is_flat(value: object) -> bool:
    """Whether nothing is nested in it, as in HubSpot's events."""
    return isinstance(value, dict) and not any(isinstance(inner, (dict, list)) for inner in value.values())


def _storable(value: object, depth: int = 0) -> object:
    """The same value, its text fit for the database, and not nested too deep."""
    if depth > MAX_DEPTH:
        raise MalformedBodyError(Malformed.TOO_DEEP)
    match value:
        case str():
            return storable_text(value)
        case dict():
            return {storable_text(name): _storable(inner, depth + 1) for name, inner in value.items()}
        case list():
            return [_storable(inner, depth + 1) for inner in value]
        case _:
            return value


def _event(raw: dict[str, object]) -> Event:
    subscription = _text(raw.get("subscriptionType"))
    kind = kind_of(subscription)
    ends = tuple(dict.fromkeys(_ends(kind, subscription, raw)))
    occurred_at = _moment(raw.get("occurredAt"))
    return Event(
        identity=_identity(kind, subscription, ends, occurred_at, raw),
        subscription=subscription,
        ends=ends,
        occurred_at=occurred_at,
        change_source=_text(raw.get("changeSource")),
        source_id=_text(raw.get("sourceId")),
        merge=_merge(subscription, raw) if kind is Kind.MERGE else None,
        moves=kind in _MOVES,
        test=raw.get("changeFlag") == "NEW" and _text(raw.get("eventId")) == "100",
        raw=raw,
    )


def _identity(
    kind: Kind, subscription: str, ends: tuple[End, ...], occurred_at: int | None, raw: Mapping[str, object]
) -> str:
    """A text that is equal for two deliveries of one event. `eventId` is not unique, so it is no part of it.

    What names no record, no moment or no known kind is identified by its content, without `attemptNumber`.
    """
    cause: object
    if kind is Kind.OTHER or occurred_at is None or not ends:
        cause = {name: value for name, value in raw.items() if name != "attemptNumber"}
    else:
        value = raw.get("propertyValue")
        cause = [
            subscription,
            [[end.object_type, end.id] for end in ends],
            raw.get("propertyName"),
            "" if value is None else value,  # a cleared property: empty, null or absent
            occurred_at,
            {name: raw[name] for name in _FLAGS if name in raw},
        ]
    return hashlib.sha256(_SORTED.encode(cause).encode()).hexdigest()


def _ends(kind: Kind, subscription: str, raw: Mapping[str, object]) -> Iterator[End]:
    """Every record that the event names, as far as its type and id can be read; an odd one is left out."""
    own_type = _own_type(subscription, raw)
    if kind is Kind.OTHER:
        return
    if kind is Kind.ASSOCIATION_CHANGE:
        named_from, named_to = _association_types(raw.get("associationType"))
        yield from _end(_text(raw.get("fromObjectTypeId")) or named_from or own_type, raw.get("fromObjectId"))
        yield from _end(_text(raw.get("toObjectTypeId")) or named_to, raw.get("toObjectId"))
    if kind is Kind.MERGE:
        for named in _merged(own_type, raw):
            yield from named
    yield from _end(own_type, raw.get("objectId"))


def _merge(subscription: str, raw: Mapping[str, object]) -> Merge | None:
    """What an event tells of a merge; None where it does not name the primary. One without a new id kept the primary's."""
    primary, others, into = _merged(_own_type(subscription, raw), raw)
    return Merge(primary[0], others, (*into, *primary)[0]) if primary else None


def _merged(own_type: str, raw: Mapping[str, object]) -> tuple[tuple[End, ...], tuple[End, ...], tuple[End, ...]]:
    """The primary, the others, and the new record, each as far as it can be read."""
    named = raw.get("mergedObjectIds")
    others = (end for gone in (named if isinstance(named, list) else ()) for end in _end(own_type, gone))
    return (
        tuple(_end(own_type, raw.get("primaryObjectId"))),
        tuple(others),
        tuple(_end(own_type, raw.get("newObjectId"))),
    )


def _own_type(subscription: str, raw: Mapping[str, object]) -> str:
    """The type of the record that an event is about: in the generic family the prefix is the word `object`, no type."""
    family = subscription.rpartition(".")[0]
    return _text(raw.get("objectTypeId")) or ("" if family == "object" else family)


def _association_types(name: object) -> tuple[str, str]:
    """The two types in `TICKET_TO_CONTACT`; empty where it has another form."""
    first, _, second = _text(name).lower().partition("_to_")
    return (first, second) if second else ("", "")


def _end(object_type: str, value: object) -> Iterator[End]:
    number = _text(value)
    if object_type and _ID.fullmatch(number):
        yield End(object_type, number)


def _moment(value: object) -> int | None:
    text = _text(value)
    return int(text) if _MOMENT.fullmatch(text) else None


def _text(value: object) -> str:
    """A text, or a whole number as one; empty for anything else (true is no number here)."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""
