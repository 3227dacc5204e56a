"""The board's WSGI app, over an open and migrated database."""

from dataclasses import dataclass

import structlog
from flask import Flask, Response, g, render_template, request
from jinja2 import StrictUndefined
from werkzeug.exceptions import HTTPException

from mappings.schema import ProcessMapping
from sync.board import acts, pages
from sync.board.access import Access
from sync.clock import Clock, local_date
from sync.errors import StoreError
from sync.log import where
from sync.settings import Settings
from sync.storage.database import Store

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
"""What every answer says of itself: nothing of it is run, framed, kept or sent elsewhere."""

LARGEST_FORM = 20_000
"""Bytes of what a form sends; the longest holds a reason."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Process:
    """The mapping that the pages go by: its zone, limits and names."""

    mapping: ProcessMapping


def create_app(
    *, store: Store, settings: Settings, clock: Clock, process: Process, allowed: acts.Acts | None = None
) -> Flask:
    """Make the app. Build it in the process that serves it. `allowed`: what may be done on it; None: nothing."""
    app = Flask(__name__, static_url_path="/board/static")
    app.config["MAX_CONTENT_LENGTH"] = LARGEST_FORM
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    zone = process.mapping.zone
    Access(store, settings, clock).guard(app)
    acts.add_to(app, allowed)
    pages.add_to(app, pages.Sight(store.reader, settings, clock, process.mapping))

    @app.after_request
    def say_of_itself(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers[name] = value
        return response

    @app.errorhandler(HTTPException)
    def refused(error: HTTPException) -> Response:
        return _error(error.code or 500, error.name, error.description or "")

    @app.errorhandler(StoreError)
    def unreadable(error: StoreError) -> Response:
        _log.error("board.unreadable", path=request.path, error=str(error))
        return _error(503, "The database cannot be read", "Load the page again in a minute; the board's log says why.")

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        _log.error("board.failed", path=request.path, error=f"{type(error).__name__}: {error}", stack=where(error))
        return _error(500, "The page failed", "The board's log says where.")

    app.context_processor(lambda: {"today": local_date(clock.now(), zone), "zone": zone.key})
    return app


def _error(status: int, title: str, text: str) -> Response:
    viewer = g.get("viewer")
    return Response(render_template("error.html", title=title, text=text, known=viewer is not None), status)
