"""How the service is doing: what `handoffs status` says."""

from collections.abc import Sequence

from flask import Flask, render_template
from markupsafe import Markup

from sync.board.pages.sight import Sight
from sync.observe import status
from sync.reports.pictures import columns
from sync.storage import budget_hours
from sync.storage.budget_hours import Hour

_ERRORS_SHOWN = 20
_HOURS_SHOWN = 24


def add_to(app: Flask, sight: Sight) -> None:
    """Add the page to this app."""

    @app.get("/board/health")
    def health() -> str:
        found = status.read(sight.store, sight.clock, sight.settings)
        buckets = {name: one for name, one in found.budget.items() if isinstance(one, dict)}
        with sight.store.read() as connection:
            hours = budget_hours.find(connection, sight.clock.now(), _HOURS_SHOWN)
        return render_template(
            "health.html",
            found=found,
            buckets=buckets,
            errors=found.errors[:_ERRORS_SHOWN],
            hours=[(f"{one.began.astimezone(sight.zone):%H:%M}", one.sum) for one in hours],
            picture=_picture(hours, sight),
        )


def _picture(hours: Sequence[Hour], sight: Sight) -> Markup:
    """The requests of each hour as columns; what they show is told by the picture's title, and by a table."""
    known = [one for one in hours if one.sum is not None]
    if not known:
        return Markup()
    most = max(known, key=lambda one: one.sum or 0)
    total = sum(one.sum or 0 for one in known)
    title = (
        f"{total:,} requests in these hours, the most from {most.began.astimezone(sight.zone):%H:%M} on: {most.sum:,}"
    )
    return columns([one.sum for one in hours], title)
