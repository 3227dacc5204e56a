"""`handoffs demo`: a client's whole cycle, played on the real service and a simulated HubSpot, each a process of its own.

stage     the processes, `sync.sandbox.standalone` and `sync.sandbox.service`: started, waited for, ended
witness   what is to be seen in the CRM and in the mailboxes, and what of it is new
play      what people do, day by day
display   how it is told
audit     what must stand there in the end, typed from `docs/process.md`
"""

import contextlib
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import TextIO

import requests

from sync.errors import INTERRUPTED
from sync.sandbox.demo.audit import Finding, audit
from sync.sandbox.demo.display import Screen
from sync.sandbox.demo.play import SETTINGS, START, TIMER, Account, Play
from sync.sandbox.demo.stage import Stage, StageError
from sync.sandbox.demo.witness import Witness

_TITLES = (
    ("1", "15 days before → AM"),
    ("2a", "Client declines → system"),
    ("2b", "Client confirms → SAS"),
    ("3", "The date is here → SAS"),
    ("4", "Tickets → Creative Team"),
    ("5", "Ad Set ready → AM, SAS"),
    ("6", "Revisions → Creative Team"),
    ("7", "Client approves → SAS"),
    ("8", "Implemented → system"),
    ("9", "Cycle closed → AM"),
)


def main(
    *,
    keep: bool = False,
    out: TextIO | None = None,
    before_audit: Callable[[Stage], None] | None = None,
    afterwards: Callable[[Stage], None] | None = None,
) -> int:
    """Play, tell, audit. 0 if all is as `docs/process.md` says, 1 if not or the play broke off, 130 on Ctrl-C.

    `keep` leaves database and logs where they are, which a failure does in any case. `out` None: standard output.
    `before_audit` may still meddle with what the audit will look at; `afterwards` has the stage once all is told.
    """
    directory = Path(tempfile.mkdtemp(prefix="handoffs-demo-"))
    screen = Screen(out)
    code = 1
    try:
        with _signals():
            code = _perform(directory, screen, before_audit, afterwards)
    except KeyboardInterrupt:
        code = INTERRUPTED
        screen.sentence("Stopped: the simulated CRM and the service have been ended, and nothing is left behind.")
    except StageError as error:
        screen.failed(str(error), ())
    except SystemExit:  # so rich ends a program whose reader has gone: `handoffs demo | head`
        code = INTERRUPTED
        raise
    finally:
        if keep or code == 1:
            screen.sentence(f"The database and the logs are in {directory}.")
        else:
            shutil.rmtree(directory, ignore_errors=True)
    return code


def _perform(
    directory: Path,
    screen: Screen,
    before_audit: Callable[[Stage], None] | None,
    afterwards: Callable[[Stage], None] | None,
) -> int:
    began = time.monotonic()
    screen.title(
        "Creative Refresh handoffs: a client's cycle, played for real",
        "A simulated HubSpot and the service run as processes of their own. They talk HTTP with signed webhooks, and "
        "SMTP. Days pass on the CRM's clock. What is told below was seen in the CRM and in the mailboxes.",
    )
    with Stage(directory) as stage:
        try:
            with screen.busy("starting the simulated CRM…"):
                stage.start_crm(START)
            play = Play(stage, screen)
            play.act_out()
            if before_audit is not None:
                before_audit(stage)
            finding = audit(Witness(stage).look(), stage.numbers())
            busiest = stage.control.get("log/counts")["busiest_ten_seconds"]
        except (ValueError, requests.RequestException) as error:
            raise StageError(f"the play broke off: {error}") from error
        _account(screen, play, busiest)
        code = _tell(screen, finding, play.days, time.monotonic() - began)
        if afterwards is not None:
            afterwards(stage)
    return code


def _tell(screen: Screen, finding: Finding, days: int, seconds: float) -> int:
    """Say what came of the audit; the exit code."""
    if finding.differences:
        screen.failed(f"{len(finding.differences)} things differ from what docs/process.md says:", finding.differences)
        return 1
    screen.passed(
        f"All {finding.compared} things compared are as docs/process.md says. {days} days took {seconds:.0f} seconds."
    )
    screen.sentence(
        "Next: `handoffs sandbox` gives you the simulated CRM to try things by hand, and “Go live” in "
        "README.md takes the service to your portal."
    )
    return 0


def _account(screen: Screen, play: Play, busiest: int) -> None:
    """The table of handoffs against what they came to, and what they cost."""
    rows = [(number, title, *_cells(play.accounts[number])) for number, title in _TITLES]
    timer, settings = play.accounts[TIMER], play.accounts[SETTINGS]
    rows.append(("", f"{play.nights + 1} daily sweeps", *_cells(timer)))
    rows.append(("", "Portal settings, re-read", *_cells(settings)))
    everything = Account()
    for account in play.accounts.values():
        everything += account
    fired, tasks, emails, _, calls = _cells(everything)
    total = (fired, tasks, emails, str(everything.moves.total() + everything.closed), calls)
    screen.table(
        ("#", "From what to whom", "Fired", "Tasks", "Emails", "Moves", "Calls"),
        rows,
        ("", "Total", *total),
    )
    own = everything.calls - timer.calls - settings.calls
    screen.gap()
    screen.sentence(
        f"{fired} handoffs took {own} calls to the CRM, {own / everything.fired:.0f} each. The calls are batches: fifty "
        f"portfolios in one pass cost hardly more than one. A sweep took {timer.calls / (play.nights + 1):.0f}. Owners, "
        "pipelines and properties are read again after ten minutes or an hour: here, with a day in half a second, at "
        f"every turn. HubSpot allows 190 calls in ten seconds; the busiest ten had {busiest}."
    )


def _cells(account: Account) -> tuple[str, str, str, str, str]:
    moves = [name if count == 1 else f"{count} {name}" for name, count in sorted(account.moves.items())]
    if account.closed:
        moves.append(f"{account.closed} closed")
    numbers = (account.fired, account.tasks, account.emails)
    fired, tasks, emails = (str(number) if number else "–" for number in numbers)
    return fired, tasks, emails, ", ".join(moves) or "–", str(account.calls or "–")


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM and a closed terminal end the demo as Ctrl-C does."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {
        number: signal.signal(number, stop)
        for number in (signal.SIGTERM, signal.SIGHUP)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
