"""The play: one client's whole cycle and another client who declines, day by day, as people of an agency live it.

People act over the control API; what the service does because of it is seen in the CRM and the mailboxes and told. Each
act ends when the service is through with it.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sync.sandbox.demo.audit import (
    AMELIA,
    BAKERY,
    CAROUSEL,
    CODY,
    DANA,
    DENTAL,
    FEEDBACK,
    FOLDER,
    GRACE,
    LINK,
    SASHA,
    STORY,
    VIDEO,
    WISHES,
    ZONE,
)
from sync.sandbox.demo.display import Screen, short_day
from sync.sandbox.demo.stage import Stage, StageError
from sync.sandbox.demo.witness import News, Witness

START = datetime(2026, 10, 5, 9, 0, tzinfo=ZONE).astimezone(UTC)

TIMER, SETTINGS = "timer", "settings"
"""Beside the handoffs, who calls the CRM: the nightly sweep, and the service that reads the portal's settings afresh."""

_ROLES = {
    AMELIA: ("account_manager", "AM"),
    SASHA: ("social_ad_specialist", "SAS"),
    CODY: ("copywriter", "Copywriter"),
    GRACE: ("graphic_designer", "Designer"),
    DANA: ("second_designer", "Designer"),
}
"""By name: the sandbox's word for the person, and what the story calls the role."""


@dataclass
class Account:
    """What one handoff came to, over the whole play."""

    fired: int = 0
    tasks: int = 0
    emails: int = 0
    closed: int = 0
    moves: Counter[str] = field(default_factory=Counter)  # by what was moved: status, date, ticket
    calls: int = 0

    def __iadd__(self, other: "Account") -> "Account":
        for name in vars(other):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        return self


class Play:
    """`act_out()` plays it; `accounts` then says what each handoff came to by its number, and `TIMER` and `SETTINGS`."""

    def __init__(self, stage: Stage, screen: Screen) -> None:
        self._stage = stage
        self._people = stage.people
        self._screen = screen
        self._names = stage.people.process.names
        self._mark = 0
        self._tickets: dict[str, str] = {}
        self._dental = ""
        self._bakery = ""
        self._day = START.astimezone(ZONE).date()
        self._witness: Witness
        self.accounts: dict[str, Account] = {
            number: Account() for number in ("1", "2a", "2b", "3", "4", "5", "6", "7", "8", "9", TIMER, SETTINGS)
        }
        self.nights = 0
        """How many midnights struck; each is a sweep."""

    @property
    def days(self) -> int:
        """How many days have passed."""
        return (self._day - START.astimezone(ZONE).date()).days

    def act_out(self) -> None:
        self._go_live()
        self._kickoff()
        self._client_confirms()
        self._date_arrives()
        self._tickets_are_created()
        self._ad_set_gets_ready()
        self._client_asks_for_changes()
        self._client_approves()
        self._cycle_closes()
        self._other_client_declines()

    # --- the acts

    def _go_live(self) -> None:
        amelia = self._id(AMELIA)
        self._dental = self._people.create_portfolio(DENTAL, date(2026, 10, 21), cadence="Every 6 weeks", by=amelia)
        self._bakery = self._people.create_portfolio(BAKERY, date(2026, 11, 13), cadence="Every 4 weeks", by=amelia)
        self._screen.day(self._day, "the service goes live")
        self._screen.say(f"{DENTAL}: Refresh Date Wed 21 Oct, every 6 weeks. {BAKERY}: Fri 13 Nov, every 4 weeks.")
        self._witness = Witness(self._stage)
        with self._screen.busy("starting the service…"):
            self._stage.start_service()
        self._tell(TIMER, self._collect(TIMER), "the first date is 16 days away, and the kickoff comes at 15")

    def _kickoff(self) -> None:
        self._night("15 days before the date")
        self._screen.handoff("1", "Kickoff", "the calendar to the Account Manager")
        self._screen.say("Just after midnight the service's own timer sweeps the portal.")
        self._tell("1", self._collect("1"))
        between = self._nights_until(date(2026, 10, 20))
        self._screen.gap()
        self._screen.say("Thirteen more nights, and a sweep in each. The client has not answered yet.")
        self._tell(TIMER, between, "the window has been open since the 6th: still one kickoff")

    def _client_confirms(self) -> None:
        self._night("the day before")
        quiet = self._collect(TIMER)
        self._tell(TIMER, quiet, "the fifteenth sweep within the window: still one kickoff")
        self._screen.handoff("2b", "The client says yes", "Account Manager to Social Ad Specialist")
        self._act(10, AMELIA, f"logs a Note: “{WISHES}” She completes her task and moves the status.")
        self._complete(AMELIA, f"Contact Client About Creative Refresh: {DENTAL}")
        self._people.note("portfolio", self._dental, f"<p>{WISHES}</p>", by=self._id(AMELIA))
        self._set_status(AMELIA, self._dental, "Refresh Request Submitted")
        self._close_act("2b", "notation only: nothing was sent to anybody")

    def _date_arrives(self) -> None:
        self._night("the Refresh Date")
        self._screen.handoff("3", "The date is here", "the calendar to the Social Ad Specialist")
        self._screen.say("The sweep just after midnight. The task quotes Amelia's Note.")
        self._tell("3", self._collect("3"))

    def _tickets_are_created(self) -> None:
        self._screen.handoff("4", "Tickets", "Social Ad Specialist to the Creative Team")
        self._act(9, SASHA, f"creates three tickets in the folder “{FOLDER}”. One names a designer of its own.")
        sasha = self._id(SASHA)
        for subject in (CAROUSEL, VIDEO, STORY):
            designer = self._id(DANA) if subject == STORY else ""
            self._tickets[subject] = self._people.create_ticket(
                subject, FOLDER, self._dental, graphic_designer=designer, by=sasha
            )
        self._close_act("4", fired=3)
        self._act(11, SASHA, "completes her task and sets Deliverables Submitted.")
        self._complete(SASHA, f"Create Deliverable Tickets for Refresh: {DENTAL}")
        self._set_status(SASHA, self._dental, "Deliverables Submitted")
        self._close_act("4", "notation only: nothing was sent to anybody", fired=0)

    def _ad_set_gets_ready(self) -> None:
        self._night("the Creative Team works")
        self._tell(TIMER, self._collect(TIMER))
        self._act(15, CODY, f"and Grace finish “{CAROUSEL}” and “{VIDEO}”: Pending Approval.")
        self._finish(CAROUSEL, copy=CODY, graphics=GRACE, moved_by=CODY)
        self._finish(VIDEO, copy=CODY, graphics=GRACE, moved_by=GRACE)
        self._close_act("5", "two of three are ready: the Ad Set waits for the third", fired=0)
        self._night("the last one")
        self._tell(TIMER, self._collect(TIMER))
        self._screen.handoff("5", "The Ad Set is ready", "the Creative Team to the Account Manager")
        self._act(14, DANA, f"updates the Ad Lab link and moves “{STORY}” to Pending Approval.")
        self._people.set("portfolio", self._dental, {self._names.link: LINK}, by=self._id(DANA))
        self._finish(STORY, copy=CODY, graphics=DANA, moved_by=DANA)
        self._close_act("5")

    def _client_asks_for_changes(self) -> None:
        weekend = self._nights_until(date(2026, 10, 26))
        self._tell(TIMER, weekend)
        self._night("the client has seen it")
        self._tell(TIMER, self._collect(TIMER))
        self._screen.handoff("6", "Revisions", "Account Manager to the Creative Team")
        self._act(11, AMELIA, f"leaves a Note on “{CAROUSEL}”: “{FEEDBACK}” She sets Copy Revisions Only.")
        carousel = self._tickets[CAROUSEL]
        self._people.note("ticket", carousel, f"<p>{FEEDBACK}</p>", by=self._id(AMELIA))
        self._people.request_revisions(carousel, "Copy Revisions Only", by=self._id(AMELIA))
        self._close_act("6")
        self._night("revised")
        self._tell(TIMER, self._collect(TIMER))
        self._screen.handoff("5", "The Ad Set is ready again", "the Creative Team to the Account Manager")
        self._act(10, CODY, "sets Copy Approval straight to Approved, without QA, and moves the ticket back.")
        self._complete(CODY, f"Revise Copy: {CAROUSEL}")
        self._people.set("ticket", carousel, {self._names.copy_approval: "Approved"}, by=self._id(CODY))
        self._people.move_ticket(carousel, "Pending Approval", by=self._id(CODY))
        self._close_act("5")

    def _client_approves(self) -> None:
        self._screen.handoff("7", "The client approves", "Account Manager to Social Ad Specialist")
        self._act(16, AMELIA, "completes her task and sets Creatives Completed & Approved.")
        self._complete(AMELIA, f"Share Deliverables With Client: {DENTAL} ({FOLDER}), second announcement")
        self._set_status(AMELIA, self._dental, "Creatives Completed & Approved")
        self._close_act("7")

    def _cycle_closes(self) -> None:
        self._night("live")
        self._tell(TIMER, self._collect(TIMER))
        self._screen.handoff("8", "The cycle closes", "Social Ad Specialist to the system, by her task")
        self._act(11, SASHA, "has put the new creatives into Meta and completes her task: no more than that.")
        self._complete(SASHA, self._names.implement_subject)
        self._leave_as_it_is(11)
        news = self._through("8")
        reset, told = News(changes=news.changes, tasks=news.tasks, closed=news.closed), News(mails=news.mails)
        self._tell("8", reset)
        self._screen.handoff("9", "Confirmation", "the system to the Account Manager")
        self._tell("9", told)

    def _other_client_declines(self) -> None:
        self._night(f"{BAKERY}, 15 days before")
        self._screen.handoff("1", "Kickoff", "the calendar to the Account Manager")
        self._screen.say("The sweep just after midnight finds the other client.")
        self._tell("1", self._collect("1"))
        self._night("no, thank you")
        self._tell(TIMER, self._collect(TIMER))
        self._screen.handoff("2a", "The client declines", "Account Manager to the system")
        self._act(10, AMELIA, "sets No Refresh Requested.")
        self._set_status(AMELIA, self._bakery, "No Refresh Requested")
        self._leave_as_it_is(10)
        self._close_act("2a")
        self._pass_days(14, "the date that was")
        self._tell(TIMER, self._collect(TIMER), "no task, no email: that cycle is over for everybody")

    # --- what people do

    def _id(self, who: str) -> str:
        return self._people.owner(_ROLES[who][0])

    def _act(self, hour: int, who: str, text: str) -> None:
        """Somebody does something, at this hour of the day."""
        self._people.set_clock(self._at(self._day, hour))
        self._screen.act(who, _ROLES[who][1], text)

    def _set_status(self, who: str, portfolio: str, status: str) -> None:
        self._people.set_status(portfolio, status, by=self._id(who))

    def _complete(self, who: str, subject: str) -> None:
        """Somebody ticks a task that the service gave to them. Raises `StageError` if there is none."""
        for task in self._people.all_tasks():
            if task.open and task.subject == subject and task.owner == self._id(who):
                self._people.complete_task(task.id, by=self._id(who))
                return
        raise StageError(f"{who} has no open task “{subject}”, and the play cannot go on without it")

    def _finish(self, subject: str, *, copy: str, graphics: str, moved_by: str) -> None:
        """Copy and graphics of a ticket are done, approved, and the ticket is moved."""
        ticket = self._tickets[subject]
        self._complete(copy, f"Write Copy: {subject}")
        self._complete(graphics, f"Design Graphics: {subject}")
        self._people.set("ticket", ticket, {self._names.copy_approval: "Approved"}, by=self._id(copy))
        self._people.set("ticket", ticket, {self._names.graphic_approval: "Approved"}, by=self._id(graphics))
        self._people.move_ticket(ticket, "Pending Approval", by=self._id(moved_by))

    # --- time

    def _leave_as_it_is(self, hour: int) -> None:
        """What was done at this hour may be a wrong pick: the service waits until it has stood for two minutes."""
        self._stage.settle("the first look")
        self._screen.say("It might be a slip. The service waits until it has stood for two minutes.")
        self._people.set_clock(self._at(self._day, hour, 3))

    @staticmethod
    def _at(day: date, hour: int, minute: int = 0) -> datetime:
        return datetime(day.year, day.month, day.day, hour, minute, tzinfo=ZONE).astimezone(UTC)

    def _night(self, remark: str) -> None:
        self._pass_days(1, remark)

    def _pass_days(self, days: int, remark: str) -> None:
        """Midnight strikes so many times, and each time the service's timer sweeps; the day then begins."""
        for _ in range(days):
            self._day += timedelta(days=1)
            with self._screen.busy(f"the night to {short_day(self._day)}…"):
                midnight = self._at(self._day, 0, 1)
                self._people.set_clock(midnight)
                self._stage.settle(f"the sweep of {short_day(self._day)}", swept_since=midnight)
            self.nights += 1
        if remark:
            self._screen.day(self._day, remark)

    def _nights_until(self, day: date) -> News:
        """Nights in which nothing is expected, up to the one before `day`; what happened all the same."""
        while self._day < day - timedelta(days=1):
            self._pass_days(1, "")
        return self._collect(TIMER)

    # --- what came of it

    def _through(self, handoff: str) -> News:
        with self._screen.busy("the service is at work…"):
            self._stage.settle(f"handoff {handoff}")
        return self._collect(handoff)

    def _close_act(self, handoff: str, silence: str = "", *, fired: int = 1) -> None:
        self._tell(handoff, self._through(handoff), silence, fired=fired)

    def _collect(self, handoff: str) -> News:
        """What the service has done since the last time, its calls charged to this handoff."""
        log = self._stage.control.get("log", since=str(self._mark))
        self._mark = log["mark"]
        for call in log["calls"]:
            self.accounts[_payer(call["endpoint"], handoff)].calls += 1
        return self._witness.news()

    def _tell(self, handoff: str, news: News, silence: str = "", *, fired: int = 1) -> None:
        """Show what was done, or that nothing was; count it."""
        account = self.accounts[handoff]
        if handoff != TIMER:
            account.fired += fired
        account.tasks += len(news.tasks)
        account.closed += len(news.closed)
        account.emails += len(news.mails)
        for what, count in self._moved(news).items():
            (self.accounts["6"] if handoff == "5" and what == "ticket" else account).moves[what] += count
        if news:
            self._screen.news(news, self._names)
        elif silence:
            self._screen.silence(silence)
        elif handoff != TIMER:
            self._screen.silence("nothing happened, and that is wrong: see the end")

    def _moved(self, news: News) -> Counter[str]:
        kinds = {self._names.status: "status", self._names.date: "date"}
        moved: Counter[str] = Counter()
        tickets = set()
        for change in news.changes:
            if change.kind == "ticket":
                tickets.add((change.record, change.at))
            else:
                moved[kinds.get(change.property, change.property)] += 1
        if tickets:
            moved["ticket"] = len(tickets)
        return moved


def _payer(endpoint: str, handoff: str) -> str:
    """Who a call is charged to: searches to the timer, reads and writes of records to the handoff, all else is settings."""
    path = endpoint.partition(" ")[2]
    what = path.rpartition("/")[2]
    if what == "search":
        return TIMER
    return handoff if path.startswith("/crm/") and what in {"read", "create", "update"} else SETTINGS
