"""What work costs in calls to the CRM, on a small scale; the figures themselves are the bench's (`python -m tests.bench`)."""

from tests.bench import scenes
from tests.bench.figures import table


def test_the_bench_plays_what_it_counts() -> None:
    """Each scene checks that what it has counted was really done."""
    figures = [scenes.kickoffs(4), scenes.nothing_due(4), scenes.whole_cycle(1, 2)]
    assert all(one.bound is not None and one.bound < one.ours for one in figures)
    assert "| a whole cycle of 1 portfolios × 2 tickets, polls alone |" in table(figures)
