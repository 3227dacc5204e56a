"""Events without end over many portfolios, while workers are killed and frozen: what was lost, doubled, or overlapped."""

import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Sequence

from tests.story.several_hosts import GIVE_UP, Hosts, hosts, until

EVENTS_IN_A_POST = 100
EVENTS_A_SECOND = 300
"""So that the events of the full size come as long as the CRM's limits have the kickoffs take."""

BLOWS = 50
"""About so many over a run of the full size. By what is done, not by time: a busy machine would be beaten to a standstill."""

BETWEEN_BLOWS = 10
"""Kickoffs at the least, on the average."""

FROZEN_FOR = (2.0, 20.0)
LOOKED_AFTER = 0.5
"""Seconds between two looks at how much is done."""


class Blows:
    """Kills or freezes a worker again and again: one that has come up, or it would never have done anything."""

    def __init__(self, run: Hosts, kickoffs: int, chance: random.Random) -> None:
        self._run = run
        self._between = max(BETWEEN_BLOWS, kickoffs / BLOWS)
        self._chance = chance
        self._next = self._drawn()  # when so many kickoffs are there
        self._frozen: list[tuple[float, subprocess.Popen[bytes]]] = []  # each with when it is let go on
        self.dealt: Counter[str] = Counter()

    def deal(self, kickoffs: int) -> None:
        """Let go on whoever was frozen for long enough; kill or freeze one where enough kickoffs are there since the last."""
        now = time.monotonic()
        for at, worker in [one for one in self._frozen if one[0] <= now]:
            self._thaw(at, worker)
        if kickoffs < self._next:
            return
        self._next = kickoffs + self._drawn()
        victim = self._chance.choice(self._run.workers)
        if not self._run.is_up(victim):
            self.dealt["spared, not yet up"] += 1
        elif self._chance.random() < 0.5 or any(victim is one for _, one in self._frozen):
            self._kill(victim)
        else:
            victim.send_signal(signal.SIGSTOP)
            self._frozen.append((now + self._chance.uniform(*FROZEN_FOR), victim))
            self.dealt["frozen"] += 1

    def end(self) -> None:
        """Let everybody go on."""
        for at, worker in list(self._frozen):
            self._thaw(at, worker)

    def _drawn(self) -> float:
        return self._between * self._chance.uniform(0.5, 1.5)

    def _kill(self, victim: subprocess.Popen[bytes]) -> None:
        was_frozen = [one for one in self._frozen if one[1] is victim]
        self._frozen = [one for one in self._frozen if one[1] is not victim]
        victim.kill()
        victim.wait()
        self._run.workers.remove(victim)
        self._run.add_worker()
        self.dealt["killed while frozen" if was_frozen else "killed"] += 1

    def _thaw(self, at: float, worker: subprocess.Popen[bytes]) -> None:
        worker.send_signal(signal.SIGCONT)
        self._frozen.remove((at, worker))


def storm(events: int, portfolios: int, workers: int, receivers: int, seed: int) -> bool:
    """Play it, print what came of it, and say whether nothing was lost, doubled or overlapping."""
    chance = random.Random(seed)
    with hosts(workers, receivers) as run:
        ids = run.populate(portfolios)
        until(lambda: run.post([]), 60)
        until(run.are_up, 60)
        began = time.monotonic()
        blows, told = Blows(run, portfolios, chance), _told(ids, events, chance)
        posted, refused, kickoffs, looked_at = 0, 0, 0, began
        while posted < len(told) or kickoffs < portfolios:
            blows.deal(kickoffs)
            now = time.monotonic()
            if posted < len(told) and now >= began + posted / EVENTS_A_SECOND:
                batch = told[posted : posted + EVENTS_IN_A_POST]
                if run.post(batch):
                    posted += len(batch)
                else:
                    refused += 1
            elif now >= looked_at + LOOKED_AFTER:
                kickoffs, looked_at = _kickoffs(run), now
                if now > began + GIVE_UP:
                    break
            else:
                time.sleep(0.02)
        blows.end()
        came = time.monotonic() - began
        until(run.is_idle, every=1.0)
        seconds = time.monotonic() - began
        tasks, emails = run.done()
        overlapping = run.overlapping()
        lost = 2 * portfolios - len(tasks) - len(emails)
        doubled = sum(tasks.values()) - len(tasks) + sum(emails.values()) - len(emails)
        print(
            f"storm: {posted:,d} events, {portfolios:,d} portfolios, {workers} workers, {receivers} receivers, seed {seed}"
        )
        print(
            f"  workers {', '.join(f'{what} {number}' for what, number in sorted(blows.dealt.items())) or 'left alone'}"
        )
        print(f"  all tasks and emails there after {came:.0f} s, nothing left to look at after {seconds:.0f} s")
        print(f"  {run.passes:,d} passes, {run.sandbox.log.total:,d} calls to the CRM")
        print(
            f"  calls refused by the CRM's limits {run.sandbox.log.statuses().get(429, 0)}, posts not taken {refused}"
        )
        print(f"  lost {lost}   doubled {doubled}   overlapping {len(overlapping)}")
        for one in overlapping[:10]:
            print(f"    {one}")
        return not lost and not doubled and not overlapping


def _told(ids: Sequence[str], events: int, chance: random.Random) -> list[str]:
    """Of whom each event tells: of every client once at least."""
    told = [*ids, *chance.choices(ids, k=max(0, events - len(ids)))]
    chance.shuffle(told)
    return told


def _kickoffs(run: Hosts) -> int:
    """How many clients have both the task and the email."""
    tasks, emails = run.done()
    return min(len(tasks), len(emails))
