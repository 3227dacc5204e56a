"""A check of the test world's portal, and its findings in short."""

from typing import Any

from mappings.load import places
from sync.admin.check import CheckReport, Misfit, Severity, check
from sync.admin.probe import Obstacle
from sync.errors import EmailError
from sync.passes.email import MailServer
from sync.sandbox.process import Names
from tests.world import World

TICKET, TASK, PORTFOLIO = "0-5", "0-27", "2-1234567"


ERROR, WARNING = Severity.ERROR, Severity.WARNING


OLD_STATUSES = tuple((f"s{n}", label) for n, (label, _) in enumerate(Names().statuses))
"""Internal values that are not the labels, as in a portal that was renamed once."""


class Relay:
    """A mail server that is not asked to send."""

    def __init__(self, trouble: str = "", *, login_refused: bool = False) -> None:
        self.trouble = trouble
        self.login_refused = login_refused

    def check(self) -> str:
        if self.trouble:
            raise EmailError(self.trouble, server_down=True, login_refused=self.login_refused)
        return "the mail server mail.test:25 answers, without login (EMAIL_URL)"


def checked(
    world: World,
    *,
    mail_server: MailServer | None = None,
    blocked_by: Obstacle | None = None,
    **settings: Any,
) -> CheckReport:
    service = world.service
    return check(
        crm=service.crm,
        mapping=service.mapping,
        places=places(service.settings.mapping),
        settings=service.settings.model_copy(update=settings),
        mail_server=mail_server or Relay(),
        clock=world.clock,
        probe=lambda *_: blocked_by,
    )


def short(misfits: tuple[Misfit, ...]) -> list[tuple[Severity, str, str]]:
    """Severity, key (or setting) and problem."""
    return [(one.severity, one.where.rpartition(" ")[2], one.problem) for one in misfits]
