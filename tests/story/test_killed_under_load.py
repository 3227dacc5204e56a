"""`serve` killed with -9 at random moments under load, the CRM losing answers: nothing is lost and nothing is doubled.

The long run is a command: `python -m tests.bench.kills`.
"""

from pathlib import Path

from tests.story import killing


def test_nothing_is_lost_or_doubled(tmp_path: Path) -> None:
    report = killing.run(tmp_path, kills=8, seed=1, clients=8)
    assert (report.lost, report.doubled, report.wrong) == ([], [], []), report
    assert report.tasks > 0
    assert report.emails > 0
    assert report.faults.total() > 0
    assert report.deliveries["statuses"].get("200", 0) > 10, "deliveries came through, too"
    ended = sum(times for (target, _), times in report.kills.items() if target != "the receiver")
    assert report.starts > ended, "it was started again after each kill that ended it"
