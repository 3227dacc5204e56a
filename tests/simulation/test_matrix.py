"""The matrix: whatever becomes of an effect, and whatever people do meanwhile, nothing is doubled and nothing lost."""

import pytest

from sync.sandbox.process import Process
from sync.sandbox.sandbox import Sandbox
from tests.simulation.matrix import STAGES, Stage, cells, script
from tests.simulation.player import NAMES
from tests.simulation.run import replay


@pytest.fixture(scope="module")
def process() -> Process:
    return Sandbox(names=NAMES).process


@pytest.mark.parametrize("stage", STAGES, ids=lambda stage: stage.name)
def test_every_cell(stage: Stage, process: Process) -> None:
    wrong, missed = [], []
    for cell in (one for one in cells() if one.stage is stage):
        outcome = replay(script(cell, process))
        if outcome.failed:
            wrong.append("\n".join([str(cell), *map(str, outcome.findings), outcome.error]))
        if cell.call and not outcome.counts.faults:
            missed.append(str(cell))
    assert wrong == [], "\n".join(wrong)
    assert missed == [], "nothing became of its effect but what should"
