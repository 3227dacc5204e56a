"""What so many clients ask of HubSpot's limits, of workers and of the database. Pure: measured figures in, a forecast out."""

import math
from dataclasses import dataclass

DAY = 86_400.0
MONTH = 30.0
"""Seconds of a day, and days of a month."""


@dataclass(frozen=True)
class Line:
    """A figure of one cycle that grows with its tickets: `base + each * tickets`."""

    base: float
    each: float

    def at(self, tickets: float) -> float:
        return self.base + self.each * tickets

    @classmethod
    def through(cls, few: tuple[float, float], many: tuple[float, float]) -> "Line":
        """The line through two measurements, each (tickets, figure)."""
        each = (many[1] - few[1]) / (many[0] - few[0])
        return cls(few[1] - each * few[0], each)


@dataclass(frozen=True)
class Measured:
    """What one cycle of one client costs, as measured. `calls` are those that count against the ten seconds' limit."""

    calls: Line  # to the CRM
    uncounted: Line  # batch calls of associations: against the day's limit alone
    looks: Line  # passes over the client
    events: Line  # of webhooks
    cpu: Line  # seconds of a worker's processor
    bytes: Line  # that the database grows by, for good
    delivered: Line  # bytes of its deliveries, which are removed after RETENTION_DAYS
    writes: Line  # transactions that write
    searches_a_poll: float  # with nothing found
    searches_a_sweep: float  # with nothing found


@dataclass(frozen=True)
class Limits:
    """What an account allows, and how the service uses it."""

    burst: float = 190  # requests in any ten seconds, of the app (docs/hubspot.md 8.1)
    steady: float = 18.2  # requests a second, in the long run: docs/adr/0016-a-log-beside-the-bucket.md
    searches: float = 5  # a second, of the whole account (6.1)
    daily: float = 625_000  # requests a day, of the whole account; trust the headers (8.1)
    share: float = 0.5  # of the day's requests that other apps leave to this one
    page: float = 200  # results of a search
    commits: float = 300  # transactions a second that the database takes


@dataclass(frozen=True)
class Demand:
    """Whose work it is. `peak`: how much of a day's changes falls into its busiest hour."""

    portfolios: int
    tickets: float = 4  # of one cycle
    cycles: float = 1  # of one client, a month
    latency: float = 0.25  # seconds that HubSpot takes to answer a call
    poll_seconds: float = 300
    portals: int = 1
    peak: float = 0.2
    retention_days: float = 90
    in_cycle: float = 0.5  # of the clients are in mid-cycle, or near their date: what a sweep looks at


@dataclass(frozen=True)
class Use:
    """How much of one limit is used: `needed` of `there`, in `unit`."""

    limit: str
    needed: float
    there: float
    unit: str

    @property
    def ratio(self) -> float:
        return self.needed / self.there


@dataclass(frozen=True)
class Forecast:
    """What one of the portals needs."""

    portfolios: int  # of this portal
    calls_a_day: float
    searches_a_day: float
    events_a_day: float
    peak_calls: float  # a second, in the busiest hour
    uses: tuple[Use, ...]
    workers: int
    cores: float  # of all workers together, in the busiest hour
    sweep_minutes: float  # until what a sweep has enqueued is worked off
    lag_minutes: float  # at the end of the busiest hour: how long what was just changed waits
    bytes_a_year: float
    bytes_of_deliveries: float  # once it has run for RETENTION_DAYS

    @property
    def binding(self) -> Use:
        """The limit that is used most."""
        return max(self.uses, key=lambda use: use.ratio)

    @property
    def fits(self) -> bool:
        return self.binding.ratio <= 1


def forecast(measured: Measured, demand: Demand, limits: Limits) -> Forecast:
    """Say what a portal with its share of the portfolios needs."""
    portfolios = math.ceil(demand.portfolios / demand.portals)
    cycles = portfolios * demand.cycles / MONTH  # a day
    kickoffs = cycles
    swept = portfolios * demand.in_cycle
    # A look in a group of its own costs what was measured; those of a sweep share their reads, fifty to a call.
    sweep_reads = 3 * swept / 50
    counted = cycles * measured.calls.at(demand.tickets)
    calls = counted + cycles * measured.uncounted.at(demand.tickets) + sweep_reads
    searches = (
        DAY / demand.poll_seconds * measured.searches_a_poll
        + cycles * measured.looks.at(demand.tickets) / limits.page  # what a poll finds comes in pages
        + measured.searches_a_sweep
        + swept * (1 + demand.tickets) / limits.page
    )
    peak_calls = counted * demand.peak / 3600
    cpu = cycles * measured.cpu.at(demand.tickets) * demand.peak / 3600
    writes = cycles * (measured.writes.at(demand.tickets) + measured.events.at(demand.tickets) / 4) * demand.peak / 3600
    sweep_calls = sweep_reads + kickoffs * 4  # a kickoff: read once more, a task, an email and what became of it
    uses = (
        Use("requests a day", calls + searches, limits.daily * limits.share, "a day"),
        Use("requests in ten seconds", peak_calls, limits.steady, "a second, in the busiest hour"),
        Use("searches", searches / DAY * 4, limits.searches, "a second, four times the day's mean"),
        Use("the database's commits", writes + peak_calls, limits.commits, "a second, in the busiest hour"),
    )
    return Forecast(
        portfolios=portfolios,
        calls_a_day=calls,
        searches_a_day=searches,
        events_a_day=cycles * measured.events.at(demand.tickets),
        peak_calls=peak_calls,
        uses=uses,
        # A worker waits for one answer at a time: it makes 1 / latency calls a second.
        workers=max(1, math.ceil(min(peak_calls, limits.steady) * demand.latency + cpu)),
        cores=cpu,
        sweep_minutes=sweep_calls / limits.steady / 60,
        lag_minutes=max(0.0, peak_calls / limits.steady - 1) * 60,
        bytes_a_year=cycles * measured.bytes.at(demand.tickets) * 365,
        bytes_of_deliveries=cycles * measured.delivered.at(demand.tickets) * demand.retention_days,
    )


def most_of_one_portal(measured: Measured, demand: Demand, limits: Limits) -> int:
    """How many portfolios one portal can have before a limit binds."""
    low, high = 1, 100_000_000
    while low < high:
        middle = (low + high + 1) // 2
        one = Demand(**{**vars(demand), "portfolios": middle, "portals": 1})
        low, high = (middle, high) if forecast(measured, one, limits).fits else (low, middle - 1)
    return low
