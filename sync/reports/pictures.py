"""Small pictures of a few figures, as SVG that stands in a page: a line through months, and bars. Pure.

What they show is said in their titles, so that whoever does not see them has it too.
"""

from collections.abc import Sequence

from markupsafe import Markup

_WIDTH, _HEIGHT = 120, 28
_EDGE = 3  # so that neither line nor dot is cut off
_WIDE, _HIGH = 14, 80  # of a column with the gap beside it, and of the highest
_COLUMN = Markup('<rect x="{0}" y="{1:.1f}" width="{2}" height="{3:.1f}"/>')
_SVG = Markup('<svg class="{0}" role="img" viewBox="0 0 {1} {2}" width="{1}" height="{2}"><title>{3}</title>{4}</svg>')
_LINE = Markup('<polyline points="{0}"/>')
_DOT = Markup('<circle cx="{0:.1f}" cy="{1:.1f}" r="2"/>')
_BAR = Markup(
    '<rect class="all" width="{0}" height="10" rx="2"/><rect class="share" width="{1:.1f}" height="10" rx="2"/>'
)


def sparkline(values: Sequence[float | None], title: str) -> Markup:
    """Draw values one after the other, from 0 up; None is a gap. Nothing at all where there are fewer than two."""
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return Markup()
    step = (_WIDTH - 2 * _EDGE) / (len(values) - 1)
    scale = (_HEIGHT - 2 * _EDGE) / (max(known) or 1)
    points = [
        None if value is None else (_EDGE + n * step, _HEIGHT - _EDGE - value * scale) for n, value in enumerate(values)
    ]
    lines = (_LINE.format(" ".join(f"{x:.1f},{y:.1f}" for x, y in run)) for run in _runs(points) if len(run) > 1)
    dots = (_DOT.format(*run[-1]) for run in _runs(points))
    return _SVG.format("spark", _WIDTH, _HEIGHT, title, Markup().join([*lines, *dots]))


def bar(share: float, title: str) -> Markup:
    """Draw a share of 1 as a bar; more than 1 is all of it."""
    return _SVG.format("bar", _WIDTH, 10, title, _BAR.format(_WIDTH, _WIDTH * min(max(share, 0), 1)))


def columns(values: Sequence[int | None], title: str) -> Markup:
    """Draw values as columns beside each other, from 0 up; None is a gap. Nothing at all where none is known."""
    known = [value for value in values if value is not None]
    if not known:
        return Markup()
    scale = _HIGH / (max(known) or 1)
    drawn = (
        _COLUMN.format(n * _WIDE, _HIGH - value * scale, _WIDE - 2, value * scale)
        for n, value in enumerate(values)
        if value is not None
    )
    return _SVG.format("columns", len(values) * _WIDE, _HIGH, title, Markup().join(drawn))


def _runs(points: Sequence[tuple[float, float] | None]) -> list[list[tuple[float, float]]]:
    """Those that follow each other without a gap."""
    runs: list[list[tuple[float, float]]] = [[]]
    for point in points:
        if point is not None:
            runs[-1].append(point)
        elif runs[-1]:
            runs.append([])
    return [run for run in runs if run]
