"""The test email of `handoffs check --send-test-email`: the one thing there that is done, and not only looked at."""

from sync.admin.check import Area, Cause, Misfit, Severity
from sync.admin.check.email import AS_IT_SAYS, SET_IT
from sync.clock import Clock, to_ms
from sync.errors import EmailError, EmailUnknownError
from sync.passes.email import Mailer


def send(mailer: Mailer | None, to: str, clock: Clock) -> Area:
    """Send one email to the address `to`, each time another; the report's area of email, as it is known by then.

    That it cannot be sent is an error there.
    """
    if mailer is None:
        return _failed("is not set: no test email can be sent", SET_IT)
    now = clock.now()
    subject = f"Test email of the creative refresh handoffs, {now:%Y-%m-%d %H:%M} UTC"
    body = (
        "This is the test email that somebody asked for by `handoffs check --send-test-email`.\n\n"
        "That you read it shows that the service's emails arrive. There is nothing to do.\n"
    )
    try:
        mailer.send(f"check:{to_ms(now)}", to, subject, body)
    except EmailUnknownError as error:
        problem = f"nobody can know whether the test email was sent: {error}"
        return _failed(problem, "look whether it has arrived, and try it again")
    except EmailError as error:
        if error.login_refused:
            return _failed(str(error), AS_IT_SAYS)
        problem = f"the test email was not sent: {error}"
        return _failed(problem, "mend EMAIL_URL, EMAIL_FROM or the mail server, and check again")
    return Area("email", f"a test email to {to} is handed over: look whether it arrives (EMAIL_URL)", ())


def _failed(problem: str, remedy: str) -> Area:
    return Area("email", None, (Misfit(Severity.ERROR, "EMAIL_URL", problem, remedy, Cause.FAILED),))
