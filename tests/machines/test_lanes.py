"""Lanes against a dict, held by real processes that are killed: never two at once, and free as soon as one is gone."""

import multiprocessing
import os
import signal
import tempfile
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.connection import wait as any_of
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.machines import MACHINE
from tests.machines.holder import hold
from tests.patience import PATIENCE

LANES = (0, 1)
NAMES = ("plain", "linked")
"""By which the database is reached: its own path, and one through a symbolic link."""

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.machines.holder"])


@dataclass
class Holder:
    """A process and what the model knows of it."""

    process: multiprocessing.process.BaseProcess
    line: Connection
    holds: set[int] = field(default_factory=set)
    waits_for: int | None = None

    def tell(self, verb: str, lane: int, name: str = "plain") -> None:
        self.line.send((verb, lane, name))

    def answer(self) -> tuple[str, int, bool]:
        assert self.line.poll(PATIENCE), "no answer came"
        found: tuple[str, int, bool] = self.line.recv()
        return found


class Lanes(RuleBasedStateMachine):
    """Three processes on one database."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        here = Path(self.directory.name)
        (here / "linked").symlink_to(here / "plain")
        self.databases = {name: f"sqlite:///{here / name}" for name in NAMES}
        self.owners: dict[int, Holder] = {}  # the model: who holds a lane
        self.holders: list[Holder] = []

    @initialize()
    def begin(self) -> None:
        self.holders = [self._start() for _ in range(3)]

    def _start(self) -> Holder:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=hold, args=(theirs, self.databases), daemon=True)
        process.start()
        theirs.close()
        return Holder(process, ours)

    def _idle(self) -> list[Holder]:
        return [holder for holder in self.holders if holder.waits_for is None]

    # -- what processes do

    @precondition(lambda self: self._idle())
    @rule(data=st.data(), lane=st.sampled_from(LANES), name=st.sampled_from(NAMES))
    def tries(self, data: st.DataObject, lane: int, name: str) -> None:
        holder = data.draw(st.sampled_from(self._idle()))
        holder.tell("try", lane, name)
        free = lane not in self.owners
        assert holder.answer() == ("try", lane, free)
        if free:
            self._got(holder, lane)

    @precondition(lambda self: self._idle())
    @rule(data=st.data(), lane=st.sampled_from(LANES), name=st.sampled_from(NAMES))
    def waits(self, data: st.DataObject, lane: int, name: str) -> None:
        holder = data.draw(st.sampled_from(self._idle()))
        if lane in holder.holds:
            return  # it would wait for itself
        holder.tell("wait", lane, name)
        if lane in self.owners:
            holder.waits_for = lane
        else:
            assert holder.answer() == ("wait", lane, True)
            self._got(holder, lane)

    @precondition(lambda self: any(holder.holds for holder in self._idle()))
    @rule(data=st.data(), verb=st.sampled_from(["release", "fail"]))
    def leaves(self, data: st.DataObject, verb: str) -> None:
        holder = data.draw(st.sampled_from([holder for holder in self._idle() if holder.holds]))
        lane = data.draw(st.sampled_from(sorted(holder.holds)))
        holder.tell(verb, lane)
        assert holder.answer() == (verb, lane, True)
        holder.holds.remove(lane)
        self._freed({lane})

    @rule(which=st.integers(0, 2), order=st.sampled_from([signal.SIGKILL, signal.SIGTERM]))
    def is_killed(self, which: int, order: signal.Signals) -> None:
        holder = self.holders[which]
        assert holder.process.pid is not None
        os.kill(holder.process.pid, order)
        self._gone(which)

    @rule(which=st.integers(0, 2))
    def is_frozen_and_killed(self, which: int) -> None:
        """One that stands still keeps its lanes; only its end frees them."""
        holder = self.holders[which]
        pid = holder.process.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        others = [other for other in self._idle() if other is not holder]
        for lane in holder.holds if others else ():
            others[0].tell("try", lane)
            assert others[0].answer() == ("try", lane, False)
        os.kill(pid, signal.SIGKILL)
        self._gone(which)

    def _gone(self, which: int) -> None:
        holder = self.holders[which]
        holder.process.join(PATIENCE)
        holder.line.close()
        self.holders[which] = self._start()
        self._freed(holder.holds)

    # -- the model

    def _got(self, holder: Holder, lane: int) -> None:
        assert lane not in self.owners, "two hold one lane"
        self.owners[lane] = holder
        holder.holds.add(lane)
        holder.waits_for = None

    def _freed(self, lanes: set[int]) -> None:
        """Of those that wait for a lane which is free now, exactly one gets it."""
        for lane in sorted(lanes):
            del self.owners[lane]
        for lane in sorted(lanes):
            waiting = {holder.line: holder for holder in self.holders if holder.waits_for == lane}
            if waiting:
                ready = any_of(list(waiting), PATIENCE)
                assert len(ready) == 1, f"{len(ready)} of {len(waiting)} got lane {lane}"
                (line,) = ready
                assert isinstance(line, Connection)
                assert waiting[line].answer() == ("wait", lane, True)
                self._got(waiting[line], lane)

    @invariant()
    def nobody_has_what_another_holds(self) -> None:
        assert [
            holder.waits_for for holder in self.holders if holder.waits_for is not None and holder.line.poll()
        ] == []

    def teardown(self) -> None:
        """However all this ended: with everybody gone, whoever comes next gets every lane."""
        for holder in self.holders:
            holder.process.kill()
            holder.process.join(PATIENCE)
            holder.line.close()
        last = self._start()
        for lane in LANES:
            last.tell("try", lane)
            assert last.answer() == ("try", lane, True)
        last.line.close()
        last.process.join(PATIENCE)
        self.directory.cleanup()


TestLanes = Lanes.TestCase
TestLanes.settings = settings(MACHINE, max_examples=8, stateful_step_count=20)
