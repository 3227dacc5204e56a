"""What may be done on the board, where BOARD_WRITE is on: look again, try again, let go. Each with a reason, by name.

Whoever puts the board together says how: the board itself holds nothing that writes to the ledger or to the queue.
"""

from collections.abc import Callable
from typing import Any, Protocol

from flask import Flask, Response, abort, redirect, request, url_for

from sync.board.access import Viewer, may_write

LONGEST_REASON = 500

DONE = {
    "look": "It is looked at again: load this page in a moment to see what came of it.",
    "retry": "They are tried again: load this page in a moment to see what came of it.",
    "release": "Let go: the service does the work now, or at its next sweep or poll.",
    "nothing": "There was nothing of the kind any more: nothing was changed.",
}
"""What is said after each, by a word of the address."""


class Acts(Protocol):
    """How each is done. `actor` and `reason` are kept with it; each returns how many records it concerns."""

    def look_again(self, portfolio: str, actor: str, reason: str) -> int:
        """Have this portfolio (id) decided again, and what was refused of it tried again."""

    def retry(self, actor: str, reason: str) -> int:
        """Have whatever is parked, or was refused, looked at and tried again."""

    def release(self, actor: str, reason: str, everything: bool) -> int:
        """Let go what the breaker holds, as much as the limit permits again, or everything."""


def add_to(app: Flask, acts: Acts | None) -> None:
    """Add what may be done to this app; None: nothing may, and the pages offer nothing."""

    def allowed() -> bool:
        return acts is not None and may_write() is not None

    app.context_processor(lambda: {"may_act": allowed(), "done": DONE.get(request.args.get("done", ""), "")})
    if acts is None:
        return

    @app.post("/board/client/<portfolio>/look-again")
    def look_again(portfolio: str) -> Response:
        viewer, reason = _who_and_why(allowed)
        return _done(acts.look_again(portfolio, _name(viewer), reason), "look", "client", portfolio=portfolio)

    @app.post("/board/attention/retry")
    def retry() -> Response:
        viewer, reason = _who_and_why(allowed)
        return _done(acts.retry(_name(viewer), reason), "retry", "attention")

    @app.post("/board/attention/release")
    def release() -> Response:
        viewer, reason = _who_and_why(allowed)
        everything = request.form.get("everything") == "1"
        return _done(acts.release(_name(viewer), reason, everything), "release", "attention")


def _who_and_why(allowed: Callable[[], bool]) -> tuple[Viewer, str]:
    if not allowed():
        abort(403, "you may look, and have nothing done: `handoffs users add NAME --replace --may-write` lets somebody")
    reason = " ".join(request.form.get("reason", "").split())
    if not reason or len(reason) > LONGEST_REASON:
        abort(400, f"say why, in at most {LONGEST_REASON} characters: it is kept with what is done")
    viewer = may_write()
    assert viewer is not None
    return viewer, reason


def _name(viewer: Viewer) -> str:
    return f"{viewer.name} (board)"


def _done(count: int, what: str, endpoint: str, **values: str) -> Response:
    place: dict[str, Any] = {**values, "done": what if count else "nothing"}
    response = redirect(url_for(endpoint, **place), 303)
    assert isinstance(response, Response)
    return response
