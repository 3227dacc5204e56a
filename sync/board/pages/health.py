"""How the service is doing: what `handoffs status` says."""

from flask import Flask, render_template

from sync.board.pages.sight import Sight
from sync.observe import status

_ERRORS_SHOWN = 20


def add_to(app: Flask, sight: Sight) -> None:
    """Add the page to this app."""

    @app.get("/board/health")
    def health() -> str:
        found = status.read(sight.store, sight.clock, sight.settings)
        buckets = {name: one for name, one in found.budget.items() if isinstance(one, dict)}
        return render_template("health.html", found=found, buckets=buckets, errors=found.errors[:_ERRORS_SHOWN])
