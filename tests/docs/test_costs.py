"""The page of costs shows what was measured, and nothing else: its table and its chart come from one file."""

import json
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.bench.chart import lines
from tests.bench.page import CHART, FIGURES, PAGE, chart, put_together, replaced, written

TOLD = json.loads(FIGURES.read_text(encoding="utf-8"))


def test_the_page_says_what_was_measured() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert replaced(page, written(TOLD)) == page, "draw it again: python -m tests.bench.page"


def test_the_chart_shows_what_was_measured() -> None:
    assert CHART.read_text(encoding="utf-8") == chart(TOLD), "draw it again: python -m tests.bench.page"


def test_the_page_shows_every_scene() -> None:
    from tests.bench.__main__ import SCENES

    others = {"due_together", "before"}  # the chart's, and those of passes (`tests.bench.passes`)
    assert len([one for one in TOLD["figures"] if not others & one["details"].keys()]) == len(SCENES) - 1


def test_a_chart_is_an_image_that_says_what_it_shows() -> None:
    drawn = ElementTree.fromstring(lines("A & B", "x", "y", {"one": [(1, 2), (100, 0.5)], "other": [(10, 10)]}))
    kinds = [element.tag.rpartition("}")[2] for element in drawn.iter()]
    assert (kinds.count("polyline"), kinds.count("circle")) == (2, 3)
    assert next(element.text for element in drawn.iter() if element.tag.endswith("title")) == "A & B"


MACHINE = {"system": "Linux", "on": "2026-11-30"}


@pytest.mark.parametrize(
    ("other", "says"),
    [
        ({"machine": MACHINE | {"on": "2026-12-01"}, "figures": []}, "another machine, or another day"),
        ({"machine": MACHINE, "figures": [{"name": "a"}]}, "measured twice"),
    ],
)
def test_runs_that_do_not_belong_together(other: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        put_together([{"machine": MACHINE, "figures": [{"name": "a"}]}, other])


def test_a_page_without_its_marks() -> None:
    with pytest.raises(ValueError, match="lacks"):
        replaced("# A page\n", "a table")
