"""The mail server: whether it is there, and takes the login."""

from sync.admin.check.deployment import Deployment, Misfits, SkippedError
from sync.admin.check.report import Cause, Severity
from sync.errors import EmailError

SET_IT = "set it: smtp://user:password@host:port, hubspot:EMAIL_ID, or console: to try things out"
AS_IT_SAYS = "mend EMAIL_URL as it says, and check again"


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Connect and log in; send nothing.

    A server that does not answer is a warning only: emails wait for it, and all other work goes on.
    """
    to = deployment.mapping.letter.to
    if deployment.mail_server is None:
        if to:
            misfits.warning(("letter", "to"), "names who is to get the weekly letter, and EMAIL_URL is not set", SET_IT)
        misfits.setting(
            "EMAIL_URL",
            "is not set: every email waits, shown as blocked",
            SET_IT,
            severity=Severity.WARNING,
        )
        return "not set"
    try:
        how = deployment.mail_server.check()
        return f"{how}; the weekly letter goes to {', '.join(to)}" if to else how
    except EmailError as error:
        if error.login_refused:
            misfits.setting("EMAIL_URL", str(error), AS_IT_SAYS, cause=Cause.FAILED)
        else:
            misfits.setting(
                "EMAIL_URL",
                f"{error}. Every email waits until it answers; all other work goes on",
                "mend EMAIL_URL or the mail server, and check again",
                severity=Severity.WARNING,
            )
        raise SkippedError from None
