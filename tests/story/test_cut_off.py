"""Workers whose network is cut, on hosts of their own: what they had begun is done by others, and nothing twice."""

from pathlib import Path

import pytest

from tests.story.cut_off import play
from tests.story.namespaces import are_allowed


@pytest.mark.skipif(not are_allowed(), reason="network namespaces need Linux, iproute2 and root")
def test_workers_cut_off_in_mid_pass_and_let_back(tmp_path: Path) -> None:
    report = play(tmp_path)
    assert not report.written
    assert not report.lost
    assert not report.doubled
    assert not report.overlapping
