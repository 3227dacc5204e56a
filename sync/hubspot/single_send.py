"""Transactional single-send: one email, once for each `sendId`. It is asynchronous: what became of it is asked later."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from sync.crm import EmailEnd, EmailFate
from sync.errors import AuthenticationError, CRMRejectedError, CRMUnavailableError
from sync.hubspot import answers
from sync.hubspot.ask import Ask, RefusalError
from sync.hubspot.calls import API_VERSION, PartOfPort

STATUS_PATH: Final = "/marketing/v3/email/send-statuses"
"""Where an email's end stands; no path of a dated version is described (docs/hubspot.md 8.10)."""

_EMAIL_SENT: Final = {"SENT", "IDEMPOTENT_IGNORE"}
_EMAIL_ACCEPTED: Final = {*_EMAIL_SENT, "QUEUED"}
_EMAIL_UNDECIDED: Final = {"THROTTLED", "PORTAL_OVER_LIMIT", "IDEMPOTENT_FAIL"}


class SingleSend(PartOfPort):
    """The part of the port that sends emails."""

    def send_single_email(self, email_id: str, send_id: str, to: str, properties: Mapping[str, str]) -> str | None:
        """Send a transactional single-send; see the port. HubSpot ignores a second send under one `send_id`, or may refuse it
        as sent already (nobody could confirm which): either way it was handed over before.

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
                "message": {"to": to, "sendId": send_id, "cc": [], "bcc": [], "replyTo": []},
                "contactProperties": {},  # described as required, like the empty lists; the guide leaves them out
                "customProperties": dict(properties),
            },
            write=True,
        )
        try:
            answer = self._calls.send(ask)
        except RefusalError as refusal:
            if refusal.problem.sent_before:
                return None
            raise
        result = answers.text(answer.body, "sendResult").upper()
        if not result:
            result = "CANCELED" if answers.text(answer.body, "status").upper() == "CANCELED" else "QUEUED"
        if result in _EMAIL_ACCEPTED:
            return None if result == "SENT" else answers.text(answer.body, "statusId") or None
        message = f"the CRM did not send the email {email_id} to {to}: {result}"
        if result in _EMAIL_UNDECIDED:
            raise CRMUnavailableError(message, correlation_id=answer.correlation_id)
        raise CRMRejectedError(message, correlation_id=answer.correlation_id)

    def email_fate(self, status_id: str) -> EmailFate:
        """Ask what became of an email; see the port. A 404 and a 403 tell nothing: of this one, or of any."""
        path = f"{STATUS_PATH}/{quote(status_id, safe='')}"
        try:
            answer = self._calls.send(Ask("GET", path, "email/send-statuses"))
        except RefusalError as refusal:
            return EmailFate(EmailEnd.NOT_TOLD, str(refusal))
        except AuthenticationError as error:  # a token that is refused altogether ends the next pass
            return EmailFate(EmailEnd.NOT_TOLD, str(error))
        return _fate(answers.text(answer.body, "status").upper(), answers.text(answer.body, "sendResult").upper())


def _fate(status: str, result: str) -> EmailFate:
    """What an answer says. A result stands beside the status once there is one; THROTTLED is final if it is complete."""
    words = " ".join(word for word in (status, result) if word) or "nothing"
    if result in _EMAIL_SENT or (status == "COMPLETE" and result in {"", "QUEUED"}):
        return EmailFate(EmailEnd.SENT, words)
    if status in {"COMPLETE", "CANCELED"} or result not in {"", "QUEUED", *_EMAIL_UNDECIDED}:
        return EmailFate(EmailEnd.REFUSED, words)
    return EmailFate(EmailEnd.PENDING, words)
