"""An agency's months, planted: who does what when is drawn beforehand, and what a report must say of it follows from that.

Nothing here shares code with `sync.reports`, nor reads what the service has kept. The service's own acts are few and
known: the kickoff comes with the first morning on which the date is within the window, a task that was ticked closes the
cycle when the service has looked.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from tests.world import World

ZONE = ZoneInfo("America/New_York")
WINDOW = 15
ALLOWED = {"account_manager": 15, "social_ad_specialist": 3, "creative_team": 7}
"""Within how many days each hands on in time: the packaged mapping's, the Account Manager's and the client's together."""

MANAGER, SPECIALIST, TEAM = ALLOWED
LEADS = ("kickoff_to_yes", "date_to_tickets", "tickets_to_ready", "review", "revision", "approval_to_live")
LONGEST = timedelta(days=150)
"""Every cycle that has begun is over after so long: none that is drawn takes a hundred days."""
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@dataclass
class Expected:
    """What a report must say: `spans` in days, `turns` as (party, start, end, handed on), rounds of a ticket."""

    spans: dict[str, list[tuple[datetime, float]]] = field(default_factory=lambda: defaultdict(list))
    turns: list[tuple[str, datetime, datetime, bool]] = field(default_factory=list)
    rounds: list[tuple[datetime, int]] = field(default_factory=list)
    outcomes: list[tuple[datetime, str]] = field(default_factory=list)

    def span(self, lead: str, start: datetime, end: datetime) -> None:
        self.spans[lead].append((end, (end - start) / DAY))

    def turn(self, party: str, start: datetime, end: datetime, *, handed_on: bool = True) -> None:
        if end > start:
            self.turns.append((party, start, end, handed_on))


@dataclass
class Client:
    """One client: what people will do, by time, and what must be told of the cycles that come to their end."""

    name: str
    portfolio: str = ""
    acts: list[tuple[datetime, Callable[[], None]]] = field(default_factory=list)
    expected: Expected = field(default_factory=Expected)


class Agency:
    """Plans months of so many clients, and plays them on a world: mornings at nine the service looks at everything."""

    def __init__(self, world: World, clients: int, days: int, seed: int) -> None:
        self._world = world
        self._rng = Random(seed)
        self.end = world.clock.now() + timedelta(days=days)
        self.clients = [Client(f"Client {n:02}") for n in range(clients)]
        self._waiting = list(self.clients)

    def play(self) -> None:
        """Live through the whole of it, and until every cycle that began in that time is over."""
        world = self._world
        for client in self.clients:
            client.portfolio = world.people.create_portfolio(client.name, self._first_day(), cadence="Every 4 weeks")
        world.work()
        for client in self.clients:
            self._plan(client)
        while late := [client.name for client in self.clients if client.acts]:
            assert world.clock.now() < self.end + LONGEST, f"cycles of {', '.join(late)} do not end"
            morning = self._next_morning()
            while (acting := self._next_to_act()) is not None and acting.acts[0][0] < morning:
                at, act = acting.acts.pop(0)
                world.clock.set(max(at, world.clock.now()))
                act()
            world.clock.set(max(morning, world.clock.now()))
            world.sweep()
            world.work()

    def _first_day(self) -> date:
        return self._world.day(self._rng.randrange(3, 30))

    def _next_morning(self) -> datetime:
        local = self._world.clock.now().astimezone(ZONE) + DAY
        return local.replace(hour=9, minute=0, second=0, microsecond=0).astimezone(UTC)

    def _next_to_act(self) -> Client | None:
        return min((one for one in self.clients if one.acts), key=lambda one: one.acts[0][0], default=None)

    # -- one cycle

    def _plan(self, client: Client) -> None:
        """Plan the cycle that begins now, unless the time is over: the service has set its date."""
        rng, acts, now = self._rng, client.acts, self._world.clock.now()
        if now >= self.end:
            return
        day = date.fromisoformat(self._world.date(client.portfolio))
        opening = _nine(day - WINDOW * DAY)
        kickoff = now if now >= _midnight(day - WINDOW * DAY) else opening
        if rng.random() < 0.1 and now + HOUR < opening - DAY:  # they say yes before anybody asks: there is no kickoff
            yes = now + HOUR
            acts.append((yes, self._status(client, "Refresh Request Submitted")))
            self._plan_tickets(client, day, None, yes)
            return
        answer = kickoff + timedelta(hours=rng.uniform(1, 24 * 9))
        if rng.random() < 0.15:
            acts.append((answer, self._decline(client, kickoff, answer, day)))
        elif rng.random() < 0.2:  # nobody notes the yes
            self._plan_tickets(client, day, kickoff, None)
        else:
            acts.append((answer, self._status(client, "Refresh Request Submitted")))
            self._plan_tickets(client, day, kickoff, answer)

    def _decline(self, client: Client, kickoff: datetime, at: datetime, day: date) -> Callable[[], None]:
        def act() -> None:
            self._status(client, "No Refresh Requested")()
            self._move_on(client, day)
            expected, came = client.expected, _midnight(day)
            expected.turn(MANAGER, kickoff, min(at, came), handed_on=at < came)
            expected.turn(SPECIALIST, came, at, handed_on=False)  # nobody had answered when the date came
            expected.outcomes.append((at, "declined"))
            self._plan(client)

        return act

    def _plan_tickets(self, client: Client, day: date, kickoff: datetime | None, yes: datetime | None) -> None:
        rng, acts, came = self._rng, client.acts, _midnight(day)
        earliest = max([came - DAY, *([kickoff] if kickoff else []), *([yes] if yes else [])])
        made = max(earliest + HOUR, came + timedelta(hours=rng.uniform(-20, 96)))
        tickets = [_Ticket(made + n * MINUTE) for n in range(rng.randrange(1, 5))]
        for ticket in tickets:
            acts.append((ticket.made, self._make(client, ticket)))
        acts.append((made + 10 * MINUTE, self._status(client, "Deliverables Submitted")))
        approved, told = self._plan_work(client, tickets)
        live = approved + timedelta(hours=rng.uniform(1, 24 * 5))
        by_task = rng.random() < 0.5
        acts.append((approved, self._status(client, "Creatives Completed & Approved")))

        def tell(at: datetime) -> None:
            expected = client.expected
            _tell_beginning(expected, kickoff, yes, came, made)
            told(expected)
            expected.turn(SPECIALIST, approved, at)
            expected.span("approval_to_live", approved, at)
            expected.outcomes.append((at, "live"))
            expected.rounds += [(at, ticket.rounds) for ticket in tickets]

        acts.append((live, self._go_live(client, tell, by_task=by_task)))
        acts.sort(key=lambda act: act[0])

    def _plan_work(self, client: Client, tickets: list["_Ticket"]) -> tuple[datetime, Callable[[Expected], None]]:
        """Plan the work on tickets until the client approves; when that is, and what must be told of it."""
        rng, acts = self._rng, client.acts
        made = tickets[0].made
        reviews: list[tuple[datetime, datetime, bool]] = []
        works: list[tuple[datetime, datetime, str]] = []
        ready = made
        for ticket in tickets:
            at = ticket.made + timedelta(hours=rng.uniform(2, 24 * 8))
            acts.append((at, self._deliver(client, ticket)))
            ready = max(ready, at)
        works.append((made, ready, "tickets_to_ready"))
        if rng.random() < 0.15:  # somebody makes one ticket more while the client looks
            late = _Ticket(ready + timedelta(hours=rng.uniform(1, 40)))
            done = late.made + timedelta(hours=rng.uniform(2, 60))
            acts.extend([(late.made, self._make(client, late)), (done, self._deliver(client, late))])
            reviews.append((ready, late.made, False))
            works.append((late.made, done, ""))
            tickets.append(late)
            ready = done
        for _ in range(rng.choice([0, 0, 1, 1, 2])):
            asked = ready + timedelta(hours=rng.uniform(2, 24 * 6))
            reviews.append((ready, asked, True))
            ready = self._plan_round(client, rng.sample(tickets, rng.randrange(1, len(tickets) + 1)), asked)
            works.append((asked, ready, "revision"))
        approved = ready + timedelta(hours=rng.uniform(2, 24 * 10))
        reviews.append((ready, approved, True))

        def tell(expected: Expected) -> None:
            for start, end, lead in works:
                expected.turn(TEAM, start, end)
                if lead:
                    expected.span(lead, start, end)
            for start, end, handed_on in reviews:
                expected.turn(MANAGER, start, end, handed_on=handed_on)
                if handed_on:
                    expected.span("review", start, end)

        return approved, tell

    def _plan_round(self, client: Client, asked_for: list["_Ticket"], asked: datetime) -> datetime:
        """Plan a round of revisions; when its last ticket is ready again."""
        rng, acts, ready = self._rng, client.acts, asked
        for n, ticket in enumerate(asked_for):
            at = asked + n * MINUTE
            acts.append((at, self._ask(client, ticket, "Copy Revisions Only")))
            ticket.rounds += 1
            if rng.random() < 0.2:  # the same round: nothing was delivered yet
                acts.append((at + 30 * MINUTE, self._ask(client, ticket, "Copy and Graphic Revisions")))
            again = at + timedelta(hours=rng.uniform(2, 24 * 5))
            acts.append((again, self._deliver(client, ticket)))
            ready = max(ready, again)
        return ready

    # -- acts

    def _status(self, client: Client, status: str) -> Callable[[], None]:
        return lambda: self._world.people.set_status(client.portfolio, status)

    def _make(self, client: Client, ticket: "_Ticket") -> Callable[[], None]:
        def act() -> None:
            ticket.id = self._world.people.create_ticket("Ad", "Autumn", client.portfolio)

        return act

    def _deliver(self, client: Client, ticket: "_Ticket") -> Callable[[], None]:
        def act() -> None:
            self._world.people.set("ticket", ticket.id, {"copy_approval": "Approved"})
            self._world.people.move_ticket(ticket.id, "Pending Approval")

        return act

    def _ask(self, client: Client, ticket: "_Ticket", value: str) -> Callable[[], None]:
        def act() -> None:
            self._world.work()  # it has cleared what was asked for before: the same value, set again, would be no version
            self._world.people.request_revisions(ticket.id, value)
            self._world.work()  # the service moves the ticket back

        return act

    def _go_live(self, client: Client, tell: Callable[[datetime], None], *, by_task: bool) -> Callable[[], None]:
        def act() -> None:
            people, at = self._world.people, self._world.clock.now()
            day = date.fromisoformat(self._world.date(client.portfolio))
            self._world.work()
            if by_task:
                [task] = [t for t in people.tasks("portfolio", client.portfolio) if t.open and "Implement" in t.subject]
                people.complete_task(task.id)
                self._world.work()
                while not (written := self._implemented(client, since=at)):
                    assert self._world.clock.now() < at + HOUR, f"the task of {client.name} does not close the cycle"
                    self._world.minutes(1)
                at = written[0]
            else:
                people.set_status(client.portfolio, "Creatives Implemented")
            self._move_on(client, day)
            tell(at)
            self._plan(client)

        return act

    def _move_on(self, client: Client, day: date) -> None:
        """Have the service carry out the end of the cycle of this day: it may want one more look than usual."""
        ended, world = self._world.clock.now(), self._world
        world.work()
        while date.fromisoformat(world.date(client.portfolio)) == day:
            assert world.clock.now() < ended + HOUR, f"the date of {client.name} is not moved"
            world.minutes(0.1)

    def _implemented(self, client: Client, *, since: datetime) -> list[datetime]:
        """When the service has closed the cycle, if it has."""
        written = self._world.people.history("portfolio", client.portfolio, "creative_refresh_status")
        return [one.at for one in written if one.value == "Creatives Implemented" and one.at >= since]


@dataclass
class _Ticket:
    made: datetime
    id: str = ""
    rounds: int = 0


def _tell_beginning(
    expected: Expected, kickoff: datetime | None, yes: datetime | None, came: datetime, made: datetime
) -> None:
    """From the kickoff to the tickets."""
    if kickoff is not None:
        if yes is not None:
            expected.span("kickoff_to_yes", kickoff, yes)
        until = min(at for at in (yes, came, made) if at is not None)
        expected.turn(MANAGER, kickoff, until, handed_on=until != came)
    expected.turn(SPECIALIST, came, made)
    expected.span("date_to_tickets", min(came, made), made)


def _nine(day: date) -> datetime:
    return datetime.combine(day, time(9), ZONE).astimezone(UTC)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


def working_days(start: datetime, end: datetime) -> float:
    """What is left without the weekends: the clocks change on Sundays, so that every working day has 24 hours."""
    rest = end - start
    for monday in _mondays(start, end):
        weekend = _midnight(monday - 2 * DAY), _midnight(monday)
        rest -= max(timedelta(), min(end, weekend[1]) - max(start, weekend[0]))
    return rest / DAY


def _mondays(start: datetime, end: datetime) -> Iterator[date]:
    day = start.astimezone(ZONE).date()
    while day <= end.astimezone(ZONE).date() + 3 * DAY:
        if day.weekday() == 0:
            yield day
        day += DAY


@dataclass
class Sum:
    """What a report must say of some clients in some span: as `report --json` says it."""

    clients: list[Client]
    since: datetime
    until: datetime

    def as_json(self) -> dict[str, Any]:
        told = [client.expected for client in self.clients]
        leads: dict[str, list[float]] = defaultdict(list)
        for one in told:
            for lead, spans in one.spans.items():
                leads[lead] += [length for end, length in spans if self._is_in(end)]
        turns = [turn for one in told for turn in one.turns if self._is_in(turn[2])]
        over = [(party, (end - start) / DAY) for party, start, end, handed_on in turns if handed_on]
        outcomes = [outcome for one in told for end, outcome in one.outcomes if self._is_in(end)]
        held = {party: [working_days(start, end) for who, start, end, _ in turns if who == party] for party in ALLOWED}
        on_time = sum(length <= ALLOWED[party] for party, length in over)
        return {
            "cycles": {"live": outcomes.count("live"), "declined": outcomes.count("declined")},
            "days": {lead: _summed(leads[lead]) for lead in LEADS},
            "held_working_days": {party: {**_summed(of), "sum": sum(of)} for party, of in held.items()},
            "rounds_per_ticket": _summed([rounds for one in told for end, rounds in one.rounds if self._is_in(end)]),
            "on_time": {"turns": on_time, "of": len(over), "share": on_time / len(over) if over else None},
        }

    def _is_in(self, end: datetime) -> bool:
        return self.since <= end < self.until


def _summed(values: Sequence[float]) -> dict[str, Any]:
    if not values:
        return {"count": 0, "median": None, "p90": None}
    return {"count": len(values), "median": percentile(values, 0.5), "p90": percentile(values, 0.9)}


def percentile(values: Sequence[float], share: float) -> float:
    """By rank, between two values in proportion."""
    ordered = sorted(values)
    place = share * (len(ordered) - 1)
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (place - low)
