"""A week in which everything goes wrong at once, for many clients: whoever can be served is, and `status` names who cannot.

Played with the worker's own turns on the sandbox's clock. Deliveries are late, doubled, shuffled and lost, the search index is
minutes late, our clock is off, the CRM fails in every way that the sandbox knows, and the process is killed between two steps.
Some clients cannot be served; the others must not notice.
"""

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from sync.failpoints import no_failpoint
from sync.observe import status
from sync.sandbox import CHAOS, Fault, Quirks
from sync.sandbox.faults import FaultKind
from sync.service.worker import Worker
from tests.story.workload import Client, View
from tests.world import World

CALM = timedelta(hours=3)
"""How long after the last trouble everything that can be done has been done: longer than any wait before another try."""

LASTS = (300.0, 3600.0)
"""Seconds for which a fault stays, from and to."""

ENDPOINTS = ("*", "*", "*/search", "POST *", "GET *", "*/associations/*", "*/tasks/*", "*/batch/read", "*/owners*")

SHORT: frozenset[str] = frozenset({"401", "403", "429-daily", "hang", "lost-hang", "late-hang"})
"""Kinds that stop everything, or for a minute each: they come for minutes, not for hours."""


class Killed(BaseException):
    """The end of the process: no code may catch it."""


@dataclass
class Report:
    """What became of the week. `steps`: how far each served client's people came; `faults` how often each kind fired."""

    steps: Mapping[str, int]
    missing: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    calls: int = 0

    @property
    def well(self) -> bool:
        return not (self.missing or self.doubled or self.wrong or self.unnamed)


class TroubledWeek:
    """`clients` that can be served, and one of each kind that cannot.

    `spoiling`: one of these is a record for which the CRM answers 500 to every call that names it.
    """

    def __init__(self, directory: Path, *, clients: int, seed: int = 0, spoiling: bool = False) -> None:
        self._dice = random.Random(f"troubled week {seed}")
        self.world = World(
            directory,
            mode=CHAOS,
            seed=seed,
            quirks=Quirks(search_lag_seconds=240.0),
            ahead=timedelta(seconds=40),
            admin_email="admin@agency.example",
        )
        self._worker = Worker(self.world.service)
        self._kill_in: int | None = None  # steps until then; None: not now
        self._calm = False
        self._kills = 0
        people = self.world.people
        self.clients = [Client(people, f"Client {n:03}", self._dice) for n in range(1, clients + 1)]
        self._lasting: list[Fault] = []
        self.unserved = self._make_unserved(spoiling=spoiling)
        self.world.failpoint = self._failpoint

    def _make_unserved(self, *, spoiling: bool) -> dict[str, str]:
        """Clients that cannot be served, each with the name that `status` must tell: a person lacks, a property never comes."""
        people, day = self.world.people, self.world.day
        nobody = people.create_portfolio("Nobody's client", day(3), account_manager="")
        hidden = people.create_portfolio("Hidden status", day(3))
        status_name = self.world.sandbox.process.names.status
        self._lasting.append(Fault("no-property", "*/objects/*", record=hidden, name=status_name, share=1.0))
        made = {nobody: "Nobody's client", hidden: "Hidden status"}
        if spoiling:
            spoils = people.create_portfolio("Spoils every call", day(3))
            self._lasting.append(Fault("500", "*/2026-09/creative_portfolios*", holds=spoils))
            made[spoils] = "Spoils every call"
        self.world.sandbox.faults.add(*self._lasting)
        return made

    # -- the week

    def play(self, days: int = 7) -> Report:
        """Play it, let it calm down, and judge."""
        report = Report({})
        for _ in range(days * 24):
            self._weather()
            self._an_hour(report)
        self._calm_down()
        self._judge(report)
        return report

    def _an_hour(self, report: Report) -> None:
        """Minute by minute by day, in longer steps by night; people act where what was due has come."""
        clock = self.world.clock
        night = not 7 <= clock.now().astimezone(self.world.service.mapping.zone).hour < 20
        for _ in range(4 if night else 20):
            clock.advance(timedelta(minutes=15 if night else 3))
            self.world.sandbox.delivery.pump()
            self._turn()
        if not night:
            self._people_act()

    def _turn(self) -> None:
        """One turn of the worker; where the process is killed in it, another begins on the same database."""
        try:
            self._worker.turn()
        except Killed:
            self._kills += 1
            self._kill_in = None
            self.world.restart()
            self._worker = Worker(self.world.service)

    def _failpoint(self, _step: str) -> None:
        if self._kill_in is not None:
            self._kill_in -= 1
            if self._kill_in <= 0:
                raise Killed

    def _people_act(self) -> None:
        view = View.of(self.world.people)
        for client in self.clients:
            if self._dice.random() < 0.3 and client.satisfied(view):
                client.step(view)

    def _weather(self) -> None:
        """What goes wrong in the next hour; about one in three is a good one."""
        if self._dice.random() < 0.35:
            return
        for _ in range(self._dice.randint(1, 4)):
            kind: Any = self._dice.choice(get_args(FaultKind))
            short = kind in SHORT
            self.world.sandbox.faults.add(
                Fault(
                    kind,
                    self._dice.choice(ENDPOINTS),
                    probability=self._dice.choice((0.02, 0.1, 0.3) if short else (0.1, 0.3, 1.0)),
                    lasts=self._dice.uniform(*LASTS) / (6 if short else 1),
                    delay=self._dice.choice((5.0, 20.0, 70.0)),
                    share=self._dice.choice((0.1, 0.5)),
                )
            )
        if self._dice.random() < 0.15:
            self._kill_in = self._dice.randint(1, 60)

    def _calm_down(self) -> None:
        """Nothing new goes wrong; what was started is finished, and what cannot be served stays so."""
        self._kill_in = None
        self.world.failpoint = no_failpoint
        self._fired = Counter(call.fault for call in self.world.sandbox.log.since(0) if call.fault)
        self.world.sandbox.faults.clear()
        self.world.sandbox.faults.add(*self._lasting)
        for _ in range(int(CALM / timedelta(minutes=3))):
            self.world.clock.advance(timedelta(minutes=3))
            self.world.sandbox.delivery.pump()
            self._turn()

    # -- the verdict

    def _judge(self, report: Report) -> None:
        view = View.of(self.world.people)
        for client in self.clients:
            report.missing += client.missing(view)
            report.doubled += client.doubled(view)
            report.wrong += client.wrong(view)
        report.steps = {client.name: client.steps for client in self.clients}
        told = str(status.read(self.world.service.store, self.world.own_clock, self.world.settings).as_json())
        report.unnamed = [name for id_, name in self.unserved.items() if name not in told and id_ not in told]
        report.faults, report.kills = self._fired, self._kills
        report.calls = self.world.sandbox.log.total
