"""Bytes of a delivery → events: what each kind names, what identifies it, and what is refused."""

import json
import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.storage.database import to_json
from sync.storage.inbox import End, Event
from webhooks.events import MAX_DEPTH, Kind, Malformed, MalformedBodyError, kind_of, parse

AT = 1_795_348_800_123


def raw(subscription: str, **fields: object) -> dict[str, object]:
    return {
        "eventId": 4711,
        "subscriptionId": 12345,
        "portalId": 62515,
        "appId": 54321,
        "occurredAt": AT,
        "subscriptionType": subscription,
        "attemptNumber": 0,
        "changeSource": "CRM_UI",
        "sourceId": "userId:7",
        **fields,
    }


def event(fields: Mapping[str, object]) -> Event:
    (found,) = parse(json.dumps([fields]).encode())
    return found


TICKET = raw("ticket.propertyChange", objectId=11, propertyName="hs_pipeline_stage", propertyValue="3")
GENERIC = raw(
    "object.propertyChange", objectTypeId="2-777", objectId=22, propertyName="refresh_status", propertyValue="x"
)
ASSOCIATION = raw(
    "object.associationChange",
    objectTypeId="2-777",
    objectId=22,
    fromObjectId=22,
    fromObjectTypeId="2-777",
    toObjectId=11,
    toObjectTypeId="0-5",
    associationTypeId=44,
    associationRemoved=False,
)


@pytest.mark.parametrize(
    ("fields", "ends", "moves"),
    [
        pytest.param(TICKET, [("ticket", "11")], False, id="legacy property"),
        pytest.param(GENERIC, [("2-777", "22")], False, id="generic property"),
        pytest.param(
            raw("ticket.creation", objectId=11, changeFlag="CREATED"), [("ticket", "11")], True, id="creation"
        ),
        pytest.param(
            raw("ticket.deletion", objectId=11, changeFlag="DELETED"), [("ticket", "11")], False, id="deletion"
        ),
        pytest.param(raw("object.restore", objectTypeId="0-5", objectId=11), [("0-5", "11")], True, id="restore"),
        pytest.param(
            raw("ticket.merge", objectId=9, primaryObjectId=9, mergedObjectIds=[7, "8"], newObjectId=10),
            [("ticket", "9"), ("ticket", "7"), ("ticket", "8"), ("ticket", "10")],
            True,
            id="merge",
        ),
        pytest.param(
            raw("object.merge", objectTypeId="2-777", primaryObjectId=9, mergedObjectIds=None),
            [("2-777", "9")],
            True,
            id="merge into itself",
        ),
        pytest.param(ASSOCIATION, [("2-777", "22"), ("0-5", "11")], True, id="generic association"),
        pytest.param(
            {name: value for name, value in ASSOCIATION.items() if name not in {"objectId", "fromObjectTypeId"}},
            [("2-777", "22"), ("0-5", "11")],
            True,
            id="generic association without objectId",
        ),
        pytest.param(
            raw("ticket.associationChange", associationType="TICKET_TO_CONTACT", fromObjectId=11, toObjectId=5),
            [("ticket", "11"), ("contact", "5")],
            True,
            id="legacy association",
        ),
        pytest.param(
            raw("ticket.associationChange", associationType="CONTACT_TO_TICKET", fromObjectId=5, toObjectId=11),
            [("contact", "5"), ("ticket", "11")],
            True,
            id="legacy association, the other side",
        ),
        pytest.param(
            raw("ticket.associationChange", associationType=None, fromObjectId=11, toObjectId=5),
            [("ticket", "11")],
            True,
            id="legacy association of unnamed types",
        ),
        pytest.param(raw("contact.privacyDeletion", objectId=5), [], False, id="unknown kind"),
        pytest.param(raw("object.propertyChange", objectId=5), [], False, id="generic without a type"),
        pytest.param({}, [], False, id="empty"),
    ],
)
def test_the_records_that_an_event_names(fields: dict[str, object], ends: list[tuple[str, str]], moves: bool) -> None:
    found = event(fields)
    assert found.ends == tuple(End(object_type, record) for object_type, record in ends)
    assert found.moves is moves
    assert found.raw == fields


def test_what_is_read_of_an_event() -> None:
    found = event(TICKET | {"changeSource": "INTEGRATION", "sourceId": 54321})
    assert found.subscription == "ticket.propertyChange"
    assert found.occurred_at == AT
    assert (found.change_source, found.source_id) == ("INTEGRATION", "54321")
    assert not found.test


@pytest.mark.parametrize(
    "odd", [True, False, None, 11.0, 0, -11, "", "0", "011", "11 ", "eleven", "١١", [11], {"id": 11}, 10**19, 10**400]
)
def test_an_odd_id_names_no_record(odd: object) -> None:
    assert event(TICKET | {"objectId": odd}).ends == ()


def test_an_id_may_be_a_text() -> None:
    assert event(TICKET | {"objectId": "11"}).ends == event(TICKET).ends


@pytest.mark.parametrize("odd", [True, None, 1.5, -1, "soon", 10**18, [AT]])
def test_an_odd_moment_is_none(odd: object) -> None:
    assert event(TICKET | {"occurredAt": odd}).occurred_at is None


@pytest.mark.parametrize("fields", [TICKET, GENERIC, ASSOCIATION])
@pytest.mark.parametrize(
    "other", [{"attemptNumber": 3}, {"eventId": 1}, {"subscriptionId": 9}, {"attemptNumber": 10, "eventId": None}]
)
def test_a_repetition_has_the_same_identity(fields: dict[str, object], other: dict[str, object]) -> None:
    assert event(fields | other).identity == event(fields).identity


@pytest.mark.parametrize(
    ("fields", "other"),
    [
        (TICKET, {"subscriptionType": "ticket.creation"}),
        (TICKET, {"objectId": 12}),
        (TICKET, {"propertyName": "subject"}),
        (TICKET, {"propertyValue": "4"}),
        (TICKET, {"propertyValue": ""}),
        (TICKET, {"occurredAt": AT + 1}),
        (GENERIC, {"objectTypeId": "2-778"}),
        (ASSOCIATION, {"associationRemoved": True}),
        (ASSOCIATION, {"toObjectId": 12}),
        (ASSOCIATION, {"fromObjectId": 23, "objectId": 23}),
        (ASSOCIATION, {"toObjectTypeId": "0-1"}),
        (ASSOCIATION, {"associationTypeId": 45}),
    ],
)
def test_another_change_has_another_identity(fields: dict[str, object], other: dict[str, object]) -> None:
    assert event(fields | other).identity != event(fields).identity


def test_the_same_event_id_does_not_make_events_the_same() -> None:
    first, second = parse(json.dumps([TICKET, TICKET | {"objectId": 12}]).encode())
    assert first.identity != second.identity


def test_a_cleared_property_is_empty_null_or_absent() -> None:
    absent = {name: value for name, value in TICKET.items() if name != "propertyValue"}
    identities = {
        event(fields).identity for fields in (absent, absent | {"propertyValue": ""}, absent | {"propertyValue": None})
    }
    assert len(identities) == 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param(raw("conversation.newMessage", objectId=5), id="unknown kind"),
        pytest.param({**TICKET, "occurredAt": None}, id="no moment"),
        pytest.param({**TICKET, "objectId": None}, id="no record"),
        pytest.param({"something": ["else"]}, id="no event at all"),
    ],
)
def test_what_is_not_understood_is_identified_by_its_content(fields: dict[str, object]) -> None:
    assert event({**fields, "attemptNumber": 5}).identity == event({**fields, "attemptNumber": 0}).identity
    assert event({**fields, "more": 1}).identity != event(fields).identity


@given(st.randoms())
def test_the_order_of_fields_does_not_matter(order: random.Random) -> None:
    for fields in (TICKET, ASSOCIATION, raw("x.y", z=1)):
        items = list(fields.items())
        order.shuffle(items)
        assert event(dict(items)).identity == event(fields).identity


@pytest.mark.parametrize(
    ("other", "test"),
    [
        ({"eventId": 100, "changeFlag": "NEW"}, True),
        ({"eventId": 1, "changeFlag": "NEW"}, False),
        ({"eventId": 100, "changeFlag": "CREATED"}, False),
        ({"eventId": 100}, False),
    ],
)
def test_the_test_button(other: dict[str, object], test: bool) -> None:
    assert event(raw("ticket.creation", objectId=123) | other).test is test


def nested(depth: int) -> bytes:
    return b'[{"a":' + b"[" * depth + b"]" * depth + b"}]"


def test_the_deepest_event() -> None:
    assert len(parse(nested(MAX_DEPTH))) == 1


def test_no_events() -> None:
    assert parse(b"[]") == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Malformed.NOT_JSON),
        (b"not json", Malformed.NOT_JSON),
        (b'[{"a": NaN}]', Malformed.NOT_JSON),
        (b'[{"a": -Infinity}]', Malformed.NOT_JSON),
        (b"[{}] []", Malformed.NOT_JSON),
        (b"\xef\xbb\xbf[]", Malformed.NOT_JSON),
        (b'[{"a": "\xff"}]', Malformed.NOT_UTF8),
        ("[]".encode("utf-16"), Malformed.NOT_UTF8),
        (b"{}", Malformed.NOT_AN_ARRAY),
        (b"null", Malformed.NOT_AN_ARRAY),
        (b'"[]"', Malformed.NOT_AN_ARRAY),
        (b"[1]", Malformed.NOT_AN_OBJECT),
        (b"[{}, null]", Malformed.NOT_AN_OBJECT),
        (b"[[{}]]", Malformed.NOT_AN_OBJECT),
        (b"[" * 100_000, Malformed.TOO_DEEP),
        (nested(MAX_DEPTH + 1), Malformed.TOO_DEEP),
    ],
)
def test_a_body_that_is_no_delivery(body: bytes, reason: Malformed) -> None:
    with pytest.raises(MalformedBodyError) as caught:
        parse(body)
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'[{"a": 1, "a": 2}]', id="a name twice"),
        pytest.param(b'[{"a": ' + b"9" * 5_000 + b', "occurredAt": ' + b"9" * 5_000 + b"}]", id="huge numbers"),
        pytest.param(b'[{"a": 1e999, "b": -1E400}]', id="beyond floats"),
        pytest.param(
            b'[{"subscriptionType": "\\ud800", "\\udfff": ["\\ud83d"], "objectId": "\\udc00"}]', id="half a pair"
        ),
        pytest.param(b'[{"subscriptionType": "\\u0000"}]', id="zero"),
        pytest.param(
            b'[{"subscriptionType": ["ticket.creation"], "objectTypeId": {}, "sourceId": []}]', id="odd types"
        ),
    ],
)
def test_odd_values_can_be_stored(body: bytes) -> None:
    (found,) = parse(body)
    kept = to_json(found.raw)
    assert json.loads(kept, parse_constant=pytest.fail) == found.raw
    assert (kept + found.identity + found.subscription).encode()


def test_a_text_cut_through_a_character_keeps_the_rest() -> None:
    (found,) = parse(json.dumps([TICKET | {"propertyValue": "smile \ud83d"}]).encode())
    assert found.raw["propertyValue"] == "smile \ufffd"
    assert found.ends == (End("ticket", "11"),)


@pytest.mark.parametrize(
    ("subscription", "kind"),
    [
        ("ticket.propertyChange", Kind.PROPERTY_CHANGE),
        ("object.associationChange", Kind.ASSOCIATION_CHANGE),
        ("contact.privacyDeletion", Kind.OTHER),
        ("creation", Kind.OTHER),
        ("ticket.other", Kind.OTHER),
        ("", Kind.OTHER),
    ],
)
def test_kinds(subscription: str, kind: Kind) -> None:
    assert kind_of(subscription) is kind
