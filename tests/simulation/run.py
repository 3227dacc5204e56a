"""One run: made up from a seed or replayed from a script, and judged."""

import time
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from sync.admin.verify import FAULTS, Sort
from tests.simulation.author import begin
from tests.simulation.event_log import Restored
from tests.simulation.oracle import Finding, Oracle
from tests.simulation.player import Counts, Player
from tests.simulation.profile import Mode
from tests.simulation.script import Script

MODES: tuple[Mode, ...] = ("plain", "safety", "liveness")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run. `log` and `script` tell it whole; `error` is what ended it before its time."""

    seed: int
    mode: Mode
    findings: tuple[Finding, ...]
    counts: Counts
    seconds: float
    log: tuple[str, ...]
    script: Script
    error: str = ""

    @property
    def failed(self) -> bool:
        return bool(self.findings or self.error)

    @property
    def signs(self) -> frozenset[str]:
        """What kind of failure it is: kept by shrinking."""
        if self.error:
            return frozenset({self.error.strip().splitlines()[-1][:60]})
        return frozenset(f"{one.verdict} {one.text.split(':')[0][:40]}" for one in self.findings)


AtEnd = Callable[[Player], None]


def run(seed: int, days: int, mode: Mode, at_end: AtEnd | None = None) -> Outcome:
    """Make up the story of a seed, play it and judge it."""
    script, author = begin(seed, days, mode)
    return _judged(Player(script, author), mode, at_end)


def replay(script: Script, mode: Mode = "safety", at_end: AtEnd | None = None) -> Outcome:
    """Play a recorded story and judge it."""
    return _judged(Player(script), mode, at_end)


def judge(player: Player) -> list[Finding]:
    """What the oracle finds in what was played."""
    sandbox = player.world.sandbox
    owners = sandbox.portal.owners.values()
    oracle = Oracle(
        sandbox.process,
        {one.email: one.id for one in owners},
        [sandbox.process.owners["deactivated"]],
        {one.id: f"{one.first_name} {one.last_name}" for one in owners},
    )
    return oracle.judge(player.events)


def _disproved(player: Player) -> list[Finding]:
    """What the service's own `verify` finds wrong: it must agree with the oracle that nothing is."""
    if player.proof is None:
        return []
    at = player.now
    # A task that was in the recycle bin for a while cannot be told from one that was there all the time.
    restored = {event.ref.id for event in player.events if isinstance(event, Restored) and event.ref.kind == "task"}
    return [
        Finding("missing" if one.sort is Sort.NOT_READ else one.sort.value, at, f"verify: {one.cause}")  # type: ignore[arg-type]  # the same words
        for one in player.proof.of(*FAULTS, Sort.NOT_READ)
        if not ((one.sort is Sort.DOUBLED or "restored since" in one.cause) and restored & set(one.tasks))
    ]


def _too_content(player: Player, findings: Sequence[Finding]) -> list[Finding]:
    """That `verify` says all is well of a run of which the oracle does not; of emails it cannot know."""
    if player.proof is None or not player.proof.ok or all("email" in one.text for one in findings):
        return []
    return [Finding("missing", player.now, f"verify: says that all is well, of {findings[0].text}")]


def _untrue(player: Player) -> list[Finding]:
    """Where what passes have kept of the clients is not what the CRM says."""
    return [Finding("missing", player.now, f"kept: {one}") for one in player.untrue]


def mode_of(seed: int, mode: str) -> Mode:
    """`all` takes turns."""
    return MODES[(0, 1, 2, 1, 2)[seed % 5]] if mode == "all" else mode  # type: ignore[return-value]  # checked by the CLI


def _judged(player: Player, mode: Mode, at_end: AtEnd | None) -> Outcome:
    began = time.perf_counter()
    player.at_end = at_end
    error = ""
    findings: Iterable[Finding] = ()
    try:
        player.play()
        found = judge(player)
        findings = [*found, *_disproved(player), *_too_content(player, found), *_untrue(player)]
    except Exception:  # noqa: BLE001  # whatever breaks is a finding of its seed
        error = traceback.format_exc()
    return Outcome(
        seed=player.script.seed,
        mode=mode,
        findings=tuple(findings),
        counts=player.counts,
        seconds=time.perf_counter() - began,
        log=tuple(player.log),
        script=player.script.with_items(player.played),
        error=error,
    )
