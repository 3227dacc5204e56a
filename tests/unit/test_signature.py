"""Is a delivery genuine and recent? The expected answers are computed here, by hand, or are HubSpot's own."""

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.clock import to_ms
from webhooks.signature import MAX_AGE, MAX_AHEAD, SignatureCheck, decoded, verify

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
STAMP = str(to_ms(NOW))
SECRET = "3c5f0f52-1111-4222-8333-444455556666"
URI = "https://handoffs.example.com/webhooks/hubspot"
BODY = '[{"propertyValue":"Größe ✓"}]'.encode()

V1_SECRET = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy"
V1_BODY = (
    b'[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,'
    b'"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM",'
    b'"changeFlag":"NEW","appId":54321}]'
)
V1_ANSWER = "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de"


def signature(
    uri: str = URI, body: bytes = BODY, stamp: str = STAMP, secret: str = SECRET, method: str = "POST"
) -> str:
    text = method.encode() + uri.encode() + body + stamp.encode()
    return base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()


def check(
    headers: dict[str, str],
    *,
    uri: str = URI,
    body: bytes = BODY,
    secrets: tuple[str, ...] = (SECRET,),
    now: datetime = NOW,
    accept_v1: bool = False,
    method: str = "POST",
) -> SignatureCheck:
    return verify(method=method, uri=uri, body=body, headers=headers, secrets=secrets, now=now, accept_v1=accept_v1)


def v3(answer: str, stamp: str = STAMP) -> dict[str, str]:
    return {"X-HubSpot-Signature-v3": answer, "X-HubSpot-Request-Timestamp": stamp}


def test_a_genuine_delivery() -> None:
    assert check(v3(signature())) is SignatureCheck.GENUINE


def test_the_names_of_headers_have_no_case() -> None:
    headers = {name.upper(): value for name, value in v3(signature()).items()}
    assert check(headers) is SignatureCheck.GENUINE


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param(v3(signature(body=BODY + b" ")), id="body"),
        pytest.param(v3(signature(uri=URI + "?a=1")), id="uri"),
        pytest.param(v3(signature(method="PUT")), id="method"),
        pytest.param(v3(signature(secret="another")), id="secret"),
        pytest.param(v3(signature(), stamp=str(to_ms(NOW) - 1)), id="timestamp"),
    ],
)
def test_each_signed_part_counts(headers: dict[str, str]) -> None:
    assert check(headers) is SignatureCheck.WRONG_SIGNATURE


@pytest.mark.parametrize("position", [0, 1, 2])
def test_any_of_several_secrets_signs_while_they_rotate(position: int) -> None:
    secrets = ["old", "older", "oldest"]
    secrets[position] = SECRET
    assert check(v3(signature()), secrets=tuple(secrets)) is SignatureCheck.GENUINE


@pytest.mark.parametrize("secrets", [(), ("",)])
def test_no_secret_is_no_key(secrets: tuple[str, ...]) -> None:
    assert check(v3(signature(secret="")), secrets=secrets) is SignatureCheck.WRONG_SIGNATURE


@pytest.mark.parametrize(
    ("offset", "verdict"),
    [
        pytest.param(-MAX_AGE, SignatureCheck.GENUINE, id="five minutes old"),
        pytest.param(-MAX_AGE - timedelta(milliseconds=1), SignatureCheck.TOO_OLD, id="a millisecond older"),
        pytest.param(MAX_AHEAD, SignatureCheck.GENUINE, id="five minutes ahead"),
        pytest.param(MAX_AHEAD + timedelta(milliseconds=1), SignatureCheck.FROM_THE_FUTURE, id="a millisecond more"),
        pytest.param(timedelta(days=300_000), SignatureCheck.FROM_THE_FUTURE, id="another age"),
    ],
)
def test_time_limits_on_both_sides(offset: timedelta, verdict: SignatureCheck) -> None:
    stamp = str(to_ms(NOW + offset))
    assert check(v3(signature(stamp=stamp), stamp)) is verdict


@pytest.mark.parametrize(
    "stamp",
    [
        "",
        " ",
        "-1",
        "+1",
        "1.5",
        "1e12",
        "NaN",
        "٣",
        "²",
        "1" * 17,
        "9" * 5_000,
        f"{STAMP}\n",
        f"{STAMP},{STAMP}",
        "\ud800",
    ],
)
def test_a_malformed_timestamp(stamp: str) -> None:
    assert check(v3(signature(), stamp)) is SignatureCheck.MALFORMED_TIMESTAMP


def test_a_missing_timestamp() -> None:
    assert check({"X-HubSpot-Signature-v3": signature()}) is SignatureCheck.NO_TIMESTAMP


@pytest.mark.parametrize(
    "answer",
    ["", "=", "x" * 44, signature()[:-1], signature() + "=", signature() + "\n", "ü" * 43 + "=", "\ud800", V1_ANSWER],
)
def test_a_malformed_signature(answer: str) -> None:
    assert check(v3(answer)) is SignatureCheck.MALFORMED_SIGNATURE


def test_no_signature() -> None:
    assert check({}) is SignatureCheck.UNSIGNED


@pytest.mark.parametrize(
    ("escape", "character"),
    [
        ("%3A", ":"),
        ("%2F", "/"),
        ("%3F", "?"),
        ("%40", "@"),
        ("%21", "!"),
        ("%24", "$"),
        ("%27", "'"),
        ("%28", "("),
        ("%29", ")"),
        ("%2A", "*"),
        ("%2C", ","),
        ("%3B", ";"),
    ],
)
def test_the_escapes_that_hubspot_decodes(escape: str, character: str) -> None:
    for written in (escape, escape.lower()):
        called = f"{URI}?q={written}"
        assert decoded(called) == f"{URI}?q={character}"
        assert check(v3(signature(uri=f"{URI}?q={character}")), uri=called) is SignatureCheck.GENUINE


@pytest.mark.parametrize(
    "escape", ["%20", "%22", "%23", "%25", "%26", "%2B", "%2D", "%3D", "%5B", "%C3%BC", "%253A", "%", "%3", "%zz", "+"]
)
def test_every_other_escape_is_signed_as_it_stands(escape: str) -> None:
    called = f"{URI}?q={escape}"
    assert decoded(called) == called
    assert check(v3(signature(uri=called)), uri=called) is SignatureCheck.GENUINE


def test_the_known_v1_answer() -> None:
    headers = {"X-HubSpot-Signature": V1_ANSWER}
    assert check(headers, body=V1_BODY, secrets=("new", V1_SECRET), accept_v1=True) is SignatureCheck.GENUINE


def test_v1_only_by_setting() -> None:
    headers = {"X-HubSpot-Signature": V1_ANSWER}
    assert check(headers, body=V1_BODY, secrets=(V1_SECRET,)) is SignatureCheck.UNSIGNED


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (V1_ANSWER[:-1] + "f", SignatureCheck.WRONG_SIGNATURE),
        (V1_ANSWER[:-1], SignatureCheck.MALFORMED_SIGNATURE),
        (V1_ANSWER + "\n", SignatureCheck.MALFORMED_SIGNATURE),
        ("", SignatureCheck.MALFORMED_SIGNATURE),
        ("ü", SignatureCheck.MALFORMED_SIGNATURE),
    ],
)
def test_a_bad_v1(answer: str, verdict: SignatureCheck) -> None:
    headers = {"X-HubSpot-Signature": answer}
    assert check(headers, body=V1_BODY, secrets=(V1_SECRET,), accept_v1=True) is verdict


@pytest.mark.parametrize("answer", ["", signature(secret="another")])
def test_a_bad_v3_does_not_fall_back_to_v1(answer: str) -> None:
    headers = {"X-HubSpot-Signature": V1_ANSWER, **v3(answer)}
    assert check(headers, body=V1_BODY, secrets=(V1_SECRET,), accept_v1=True) is not SignatureCheck.GENUINE


@given(
    answer=st.text(),
    stamp=st.text() | st.just(STAMP),
    uri=st.text(),
    body=st.binary(),
    secret=st.text(),
    name=st.text(),
    accept_v1=st.booleans(),
)
def test_nothing_raises_and_nothing_by_chance_is_genuine(
    answer: str, stamp: str, uri: str, body: bytes, secret: str, name: str, accept_v1: bool
) -> None:
    headers = {name: answer, "X-HubSpot-Signature": answer, **v3(answer, stamp)}
    for given_headers in (headers, {"X-HubSpot-Signature": answer}):
        verdict = check(given_headers, uri=uri, body=body, secrets=(secret,), accept_v1=accept_v1)
        assert verdict is not SignatureCheck.GENUINE
