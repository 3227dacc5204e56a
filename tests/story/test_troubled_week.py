"""Everything goes wrong at once: whoever can be served is, once, and `status` names who cannot.

`python -m tests.bench.trouble` plays a whole week of it with a portal of 300.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.story.troubled_week import TroubledWeek


@pytest.fixture
def week(tmp_path: Path) -> Iterator[TroubledWeek]:
    made = TroubledWeek(tmp_path, clients=30)
    yield made
    made.world.close()


def test_whoever_can_be_served_is(week: TroubledWeek) -> None:
    report = week.play(days=2)
    assert (report.missing, report.doubled, report.wrong) == ([], [], [])
    assert report.unnamed == []
    assert min(report.steps.values()) >= 4, report.steps
    assert len(report.faults) >= 12, "a week like this has more kinds of trouble"
    assert report.kills


def test_a_record_that_spoils_every_call_starves_nobody(tmp_path: Path) -> None:
    week = TroubledWeek(tmp_path, clients=10, spoiling=True)
    report = week.play(days=1)
    week.world.close()
    assert report.well, report
    assert min(report.steps.values()) >= 2, report.steps
