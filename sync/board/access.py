"""Who may see the board: whoever has logged in, or whom a trusted proxy names. Every request but a few is asked.

A log-in is a random cookie, of which the database keeps the digest. What a form must prove (CSRF) is derived from the
cookie, so that only a page of the board can have it.
"""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_address, ip_network
from threading import Lock

import structlog
from flask import Flask, Response, abort, g, redirect, render_template, request, url_for
from werkzeug.security import check_password_hash, generate_password_hash

from mappings.names import as_seen
from sync.board.throttle import Throttle
from sync.clock import Clock
from sync.settings import Settings
from sync.storage import board_users
from sync.storage.board_users import BoardUser
from sync.storage.database import Store

COOKIE = "handoffs_board"
"""The cookie of whoever has logged in; also of one who is about to, so that the log-in form can be proved."""

METHOD = "scrypt:32768:8:3"
"""How passwords are hashed: a cost that OWASP's cheat sheet on storing passwords names, 32 MB of memory each."""

SHORTEST = 12
"""Characters that a password has at least."""

LONGEST = 1000
"""Characters that a password or a name has at most: what is longer is hashed for nobody."""

OPEN = frozenset({"static", "login", "log_in"})
"""Endpoints that anybody may ask: the log-in page, its stylesheet and its script."""

_NOBODY = generate_password_hash(secrets.token_hex(), METHOD)
"""Compared with where there is no such user, so that it takes as long as where there is."""

_log: structlog.stdlib.BoundLogger = structlog.get_logger()


def hash_password(password: str) -> str:
    """Hash a password, to be kept."""
    return generate_password_hash(password, METHOD)


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at the board. `by_proxy`: a proxy says so, and the board cannot log them out."""

    name: str
    may_write: bool
    by_proxy: bool


class Access:
    """Asks each request who it is from, and lets people log in and out."""

    def __init__(self, store: Store, settings: Settings, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._lasts = timedelta(hours=settings.board_session_hours)
        self._header = settings.board_proxy_header
        self._proxies = [ip_network(part.strip()) for part in settings.board_proxies.split(",")]
        self._throttle = Throttle(store)
        self._one_at_a_time = Lock()  # a hash takes memory: many at a time would take it all

    def guard(self, app: Flask) -> None:
        """Ask every request of this app, and add the pages for logging in and out."""
        app.before_request(self._ask)
        app.after_request(self._keep_cookie)
        app.context_processor(lambda: {"viewer": g.get("viewer"), "csrf": _proof(g.get("cookie", ""))})
        app.add_url_rule("/board/login", "login", self._login_page, methods=["GET"])
        app.add_url_rule("/board/login", "log_in", self._log_in, methods=["POST"])
        app.add_url_rule("/board/logout", "log_out", self._log_out, methods=["POST"])

    # -- every request

    def _ask(self) -> Response | None:
        """Find out who it is; send whoever is nobody to the log-in page."""
        g.cookie = request.cookies.get(COOKIE, "")
        g.viewer = self._viewer()
        if request.method not in {"GET", "HEAD", "OPTIONS"}:
            self._require_proof()
        if may_write() is not None:
            need_cookie()  # one whom a proxy names has none yet
        if g.viewer is not None or request.endpoint in OPEN:
            return None
        if self._header is not None:
            abort(403, "the proxy before the board has named nobody (BOARD_PROXY_HEADER, BOARD_PROXIES)")
        if request.method != "GET":
            abort(401, "you are not logged in any more; log in and do it again")
        return _to(url_for("login", next=_own_path(request.full_path)))

    def _viewer(self) -> Viewer | None:
        if self._header is not None:
            return self._named_by_proxy()
        if not g.cookie or request.endpoint == "static":
            return None
        with self._store.reader.read() as connection:
            user = board_users.of_session(connection, _digest(g.cookie), self._clock.now())
        return None if user is None else Viewer(user.name, user.may_write, by_proxy=False)

    def _named_by_proxy(self) -> Viewer | None:
        name = request.headers.get(self._header or "", "").strip()
        if not name or not self._is_proxy(request.remote_addr or ""):
            return None
        with self._store.reader.read() as connection:
            user = board_users.get(connection, name)
        return Viewer(name, user is not None and user.may_write, by_proxy=True)

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self._proxies)

    def _require_proof(self) -> None:
        """Let nothing be done but what a form of the board itself has asked for."""
        given = request.form.get("csrf", "")
        elsewhere = request.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}
        if elsewhere or not g.cookie or not hmac.compare_digest(given.encode(), _proof(g.cookie).encode()):
            abort(
                403,
                "the form was not this page's, or your browser has not kept the board's cookie. Over http it keeps it at "
                "http://localhost only, and Safari not at all: use https. Go back, load the page again, and try once more",
            )

    def _keep_cookie(self, response: Response) -> Response:
        """Give whoever has none a cookie, by which the forms of the page can be proved."""
        if not request.cookies.get(COOKIE) and g.get("wants_cookie", False):
            _set_cookie(response, g.cookie, None)
        return response

    # -- in and out

    def _login_page(self, message: str = "", status: int = 200) -> Response:
        if not g.cookie:
            need_cookie()
        text = render_template("login.html", message=message, next=_own_path(request.values.get("next", "")))
        return Response(text, status)

    def _log_in(self) -> Response:
        name, password = request.form.get("name", "")[:LONGEST], request.form.get("password", "")
        now = self._clock.now()
        wait = self._throttle.seconds_to_wait(as_seen(name), now)
        if wait:
            _log.warning("board.throttled", user=name)
            response = self._login_page(f"Too many tries. Wait {wait // 60 + 1} minutes.", 429)
            response.headers["Retry-After"] = str(wait)
            return response
        user = self._checked(name, password)
        if user is None:
            self._throttle.failed(as_seen(name), now)
            _log.warning("board.login_refused", user=name, remote=request.remote_addr)
            return self._login_page("The name or the password is wrong.", 403)
        self._throttle.succeeded(as_seen(name))
        cookie = secrets.token_urlsafe(32)
        with self._store.write() as connection:
            board_users.open_session(connection, _digest(cookie), user.name, now, now + self._lasts)
        _log.info("board.login", user=user.name)
        response = _to(_own_path(request.form.get("next", "")) or url_for("board"))
        _set_cookie(response, cookie, self._lasts)
        return response

    def _checked(self, name: str, password: str) -> BoardUser | None:
        """The user of this name and password; None: there is none."""
        if self._header is not None or len(password) > LONGEST:
            return None
        with self._store.reader.read() as connection:
            user = board_users.get(connection, name)
        with self._one_at_a_time:
            right = check_password_hash((user and user.password) or _NOBODY, password)
        return user if user is not None and user.password is not None and right else None

    def _log_out(self) -> Response:
        with self._store.write() as connection:
            board_users.close_session(connection, _digest(g.cookie))
        response = _to(url_for("login"))
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
        return response


def need_cookie() -> None:
    """Give whoever sees this page a cookie, if they have none: a form stands on it."""
    if not g.cookie:
        g.cookie, g.wants_cookie = secrets.token_urlsafe(32), True


def may_write() -> Viewer | None:
    """Return who it is, where that one may have something done; else None."""
    viewer: Viewer | None = g.get("viewer")
    return viewer if viewer is not None and viewer.may_write else None


def _set_cookie(response: Response, cookie: str, lasts: timedelta | None) -> None:
    response.set_cookie(COOKIE, cookie, max_age=lasts, path="/", secure=True, httponly=True, samesite="Lax")


def _to(path: str) -> Response:
    response = redirect(path, 303)
    assert isinstance(response, Response)
    return response


def _digest(cookie: str) -> str:
    return hashlib.sha256(f"session {cookie}".encode()).hexdigest()


def _proof(cookie: str) -> str:
    return hashlib.sha256(f"form {cookie}".encode()).hexdigest() if cookie else ""


def _own_path(path: str) -> str:
    """The path, where it is one of the board; else '': nobody is sent elsewhere by a link to the log-in page."""
    own = path.startswith("/board") and not any(letter in path for letter in "\\\r\n")
    return path.rstrip("?") if own else ""
