"""Transactional single-send: one email, once for each `sendId`."""

from collections.abc import Mapping
from typing import Final

from sync.errors import CRMRejectedError, CRMUnavailableError
from sync.hubspot import answers
from sync.hubspot.calls import API_VERSION, PartOfPort
from sync.hubspot.transport import Ask, RefusalError

_EMAIL_ACCEPTED: Final = {"SENT", "QUEUED", "IDEMPOTENT_IGNORE"}
_EMAIL_UNDECIDED: Final = {"THROTTLED", "PORTAL_OVER_LIMIT", "IDEMPOTENT_FAIL"}


class SingleSend(PartOfPort):
    """The part of the port that sends emails."""

    def send_single_email(self, email_id: str, send_id: str, to: str, properties: Mapping[str, str]) -> None:
        """Send a transactional single-send; see the port. HubSpot ignores a second send under one `send_id`, or may refuse it
        as sent already (nobody could confirm which): either way it is done.

        `CRMRejectedError` where HubSpot will never send it (the address bounced, opted out, the email is not enabled…).
        """
        if not email_id.isascii() or not email_id.isdecimal():
            raise CRMRejectedError(f"{email_id[:40]!r} is no id of an email: see EMAIL_URL")
        ask = Ask(
            "POST",
            f"/marketing/transactional/{API_VERSION}/single-email/send",
            "single-email/send",
            body={
                "emailId": int(email_id),
                "message": {"to": to, "sendId": send_id},
                "customProperties": dict(properties),
            },
            write=True,
        )
        try:
            answer = self._calls.send(ask)
        except RefusalError as refusal:
            if refusal.problem.sent_before:
                return
            raise
        result = answers.text(answer.body, "sendResult").upper()
        if not result:
            result = "CANCELED" if answers.text(answer.body, "status").upper() == "CANCELED" else "QUEUED"
        if result in _EMAIL_ACCEPTED:
            return
        message = f"the CRM did not send the email {email_id} to {to}: {result}"
        if result in _EMAIL_UNDECIDED:
            raise CRMUnavailableError(message, correlation_id=answer.correlation_id)
        raise CRMRejectedError(message, correlation_id=answer.correlation_id)
