"""The mail server, and a test email where one is asked for."""

from sync.admin.check.deployment import Deployment, Misfits, SkippedError
from sync.admin.check.report import Cause, Severity
from sync.clock import to_ms
from sync.errors import EmailError, EmailUnknownError
from sync.passes.email import Mailer

_SET_IT = "set it: smtp://user:password@host:port, hubspot:EMAIL_ID, or console: to try things out"


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Connect and log in; send nothing but the test email that was asked for.

    A server that does not answer is a warning only: emails wait for it, and all other work goes on. Where a test email was
    asked for, that it cannot be sent is an error.
    """
    if deployment.mailer is None:
        if deployment.send_test_to is not None:
            misfits.setting("EMAIL_URL", "is not set: no test email can be sent", _SET_IT, cause=Cause.FAILED)
            raise SkippedError
        misfits.setting(
            "EMAIL_URL",
            "is not set: every email waits, shown as blocked",
            _SET_IT,
            severity=Severity.WARNING,
        )
        return "not set"
    try:
        note = deployment.mailer.check()
        return (
            note if deployment.send_test_to is None else _sent(deployment.mailer, deployment.send_test_to, deployment)
        )
    except EmailUnknownError as error:
        misfits.setting(
            "EMAIL_URL",
            f"nobody can know whether the test email was sent: {error}",
            "look whether it has arrived, and try it again",
            cause=Cause.FAILED,
        )
        raise SkippedError from None
    except EmailError as error:
        if error.login_refused:
            misfits.setting("EMAIL_URL", str(error), "correct user and password, and check again", cause=Cause.FAILED)
        elif deployment.send_test_to is not None:
            misfits.setting(
                "EMAIL_URL",
                f"the test email was not sent: {error}",
                "mend EMAIL_URL, EMAIL_FROM or the mail server, and check again",
                cause=Cause.FAILED,
            )
        else:
            misfits.setting(
                "EMAIL_URL",
                f"{error}. Every email waits until it answers; all other work goes on",
                "mend EMAIL_URL or the mail server, and check again",
                severity=Severity.WARNING,
            )
        raise SkippedError from None


def _sent(mailer: Mailer, to: str, deployment: Deployment) -> str:
    """Send one email, each time another; what there is to say of it."""
    now = deployment.clock.now()
    body = (
        "This is the test email that somebody asked for by `handoffs check --send-test-email`.\n\n"
        "That you read it shows that the service's emails arrive. There is nothing to do.\n"
    )
    mailer.send(
        f"check:{to_ms(now)}", to, f"Test email of the creative refresh handoffs, {now:%Y-%m-%d %H:%M} UTC", body
    )
    return f"a test email to {to} is handed over: look whether it arrives (EMAIL_URL)"
