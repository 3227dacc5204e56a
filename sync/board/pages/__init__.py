"""The pages of the board, a module each."""

from flask import Flask, Response, redirect, url_for

from sync.board.pages import attention, client, health, history, overview, reports
from sync.board.pages.sight import Sight

__all__ = ["Sight", "add_to"]


PAGES = (
    ("board", "Board"),
    ("attention", "Needs a person"),
    ("history", "History"),
    ("reports", "Reports"),
    ("health", "Health"),
)
"""What the pages' head leads to: an endpoint, and what it is called."""


def add_to(app: Flask, sight: Sight) -> None:
    """Add every page to this app."""

    @app.get("/")
    def root() -> Response:
        response = redirect(url_for("board"))
        assert isinstance(response, Response)
        return response

    for page in (overview, client, attention, history, reports, health):
        page.add_to(app, sight)
    app.context_processor(lambda: {"words": sight.words(), "pages_of_board": PAGES})
