"""The single-send email: what is sent, and what is not."""

import pytest
import responses

from sync.crm import EmailEnd
from sync.errors import (
    AuthenticationError,
    CRMRejectedError,
    CRMUnavailableError,
)
from sync.hubspot import HubSpot
from tests.contract.hubspot.answers import BASE, EMAIL, HTML, Json, Reply, error, reset, sent

STATUS = f"{BASE}/marketing/v3/email/send-statuses/id%2F1"


class TestSingleEmail:
    def send(self, hubspot: HubSpot) -> None:
        hubspot.send_single_email("4711", "key-1", "am@x.test", {"subject": "Kickoff"})

    def test_a_repeat_that_is_refused_was_sent(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(EMAIL, status=400, json={"category": "VALIDATION_ERROR", "message": "sendId key-1 was already used"})
        self.send(hubspot)

    def test_a_send_id_found_fault_with_was_not(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(EMAIL, status=400, json={"category": "VALIDATION_ERROR", "message": "sendId is too long"})
        with pytest.raises(CRMRejectedError, match="too long"):
            self.send(hubspot)

    @pytest.mark.parametrize(
        "body",
        [
            {"status": "COMPLETE", "sendResult": "SENT"},
            {"status": "PENDING", "statusId": "x"},
            {"sendResult": "QUEUED"},
            {"sendResult": "IDEMPOTENT_IGNORE"},
        ],
    )
    def test_is_sent(self, api: responses.RequestsMock, hubspot: HubSpot, body: Json) -> None:
        api.post(EMAIL, json=body)
        self.send(hubspot)
        assert sent(api) == {
            "emailId": 4711,
            "message": {"to": "am@x.test", "sendId": "key-1", "cc": [], "bcc": [], "replyTo": []},
            "contactProperties": {},
            "customProperties": {"subject": "Kickoff"},
        }

    @pytest.mark.parametrize(
        ("reply", "expected"),
        [
            (Reply(200, {"sendResult": "PREVIOUSLY_BOUNCED"}), CRMRejectedError),
            (Reply(200, {"sendResult": "EMAIL_DISABLED"}), CRMRejectedError),
            (Reply(200, {"status": "CANCELED"}), CRMRejectedError),
            (Reply(400, error()), CRMRejectedError),
            (Reply(200, {"sendResult": "THROTTLED"}), CRMUnavailableError),
            (Reply(200, {"sendResult": "IDEMPOTENT_FAIL"}), CRMUnavailableError),
            (Reply(200, HTML), CRMUnavailableError),
            (Reply(500, error()), CRMUnavailableError),
            (Reply(failure=reset), CRMUnavailableError),
            (Reply(401, error()), AuthenticationError),
        ],
    )
    def test_or_not(
        self, api: responses.RequestsMock, hubspot: HubSpot, reply: Reply, expected: type[Exception]
    ) -> None:
        reply.add(api, EMAIL)
        with pytest.raises(expected):
            self.send(hubspot)
        assert len(api.calls) == 1

    def test_an_id_that_is_no_number(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        with pytest.raises(CRMRejectedError, match="EMAIL_URL"):
            hubspot.send_single_email("abc", "key", "am@x.test", {})
        assert not api.calls


class TestWhatBecameOfIt:
    @pytest.mark.parametrize(
        ("reply", "end"),
        [
            (Reply(200, {"status": "PENDING"}), EmailEnd.PENDING),
            (Reply(200, {"status": "PROCESSING", "sendResult": "QUEUED"}), EmailEnd.PENDING),
            (Reply(200, {"status": "PENDING", "sendResult": "THROTTLED"}), EmailEnd.PENDING),
            (Reply(200, {}), EmailEnd.PENDING),
            (Reply(200, {"status": "COMPLETE", "sendResult": "SENT"}), EmailEnd.SENT),
            (Reply(200, {"status": "COMPLETE"}), EmailEnd.SENT),
            (Reply(200, {"status": "COMPLETE", "sendResult": "THROTTLED"}), EmailEnd.REFUSED),
            (Reply(200, {"status": "COMPLETE", "sendResult": "INVALID_TO_ADDRESS"}), EmailEnd.REFUSED),
            (Reply(200, {"status": "PENDING", "sendResult": "MISSING_CONTENT"}), EmailEnd.REFUSED),
            (Reply(200, {"status": "CANCELED"}), EmailEnd.REFUSED),
            (Reply(404, error()), EmailEnd.NOT_TOLD),
            (Reply(403, error()), EmailEnd.NOT_TOLD),
        ],
    )
    def test_is_asked(self, api: responses.RequestsMock, hubspot: HubSpot, reply: Reply, end: EmailEnd) -> None:
        api.add(responses.Response("GET", STATUS, status=reply.status, json=reply.body))
        assert hubspot.email_fate("id/1").end is end

    def test_the_words_are_hubspots(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.get(STATUS, json={"status": "COMPLETE", "sendResult": "PREVIOUSLY_BOUNCED"})
        assert hubspot.email_fate("id/1").words == "COMPLETE PREVIOUSLY_BOUNCED"

    def test_without_an_answer(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.get(STATUS, status=503, json=error())
        with pytest.raises(CRMUnavailableError):
            hubspot.email_fate("id/1")

    @pytest.mark.parametrize(
        ("body", "status_id"),
        [
            ({"status": "PENDING", "statusId": "x"}, "x"),
            ({"status": "COMPLETE", "sendResult": "SENT", "statusId": "x"}, None),
            ({"status": "COMPLETE", "sendResult": "IDEMPOTENT_IGNORE", "statusId": "x"}, "x"),
            ({"status": "PENDING"}, None),
        ],
    )
    def test_by_its_status_id(
        self, api: responses.RequestsMock, hubspot: HubSpot, body: Json, status_id: str | None
    ) -> None:
        api.post(EMAIL, json=body)
        assert hubspot.send_single_email("4711", "key-1", "am@x.test", {}) == status_id
