"""Several deployments at one look: `handoffs status --env FILE …`.

A database belongs to one portal, so an agency with several portals runs the service several times, each with a `.env` file
and a database of its own.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from sync.clock import Clock
from sync.commands.output import console, format_duration, number, print_json, print_json_line, print_wrapped
from sync.errors import ConfigurationError, HandoffsError

if TYPE_CHECKING:
    from rich.console import Console

    from sync.observe.status import Status


@dataclass(frozen=True)
class Deployment:
    """What was found of one. Either `status` or `error` is None: that it could not be read, and why."""

    file: Path
    status: "Status | None"
    error: str | None

    @property
    def ok(self) -> bool:
        return self.status is not None and self.status.ok

    def as_json(self) -> dict[str, object]:
        status = None if self.status is None else self.status.as_json()
        return {"env": str(self.file), "ok": self.ok, "error": self.error, "status": status}


def show(files: Sequence[Path], clock: Clock, *, watch: bool, every: float, as_json: bool) -> bool:
    """Print how each of them is doing, with `watch` anew every so many seconds until Ctrl-C; whether all are well."""
    out = console()
    ok = True
    try:
        while True:
            found = look(files, clock)
            ok = all(one.ok for one in found)
            _print(out, found, clock.now(), as_json=as_json, in_a_line=watch)
            if not watch:
                return ok
            clock.sleep(every)
    except KeyboardInterrupt:
        return ok


def look(files: Sequence[Path], clock: Clock) -> list[Deployment]:
    """Read each deployment, in the order given; one that cannot be read says so, and keeps no other from being read."""
    found: list[Deployment] = []
    databases: dict[str, Path] = {}
    for file in dict.fromkeys(each / ".env" if each.is_dir() else each for each in files):
        try:
            found.append(Deployment(file, _read(file, clock, databases), None))
        except HandoffsError as error:
            found.append(Deployment(file, None, str(error)))
    return found


def _read(file: Path, clock: Clock, databases: dict[str, Path]) -> "Status":
    """Read one deployment; `databases` says whose file has named a database already. Raises `HandoffsError`."""
    from sync.observe.status import read
    from sync.settings import read_settings_of
    from sync.storage.database import open_to_look

    settings = read_settings_of(file)
    other = databases.setdefault(settings.database_url, file)
    if other != file:
        raise ConfigurationError(
            f"DATABASE_URL names the same database as {other}: a database belongs to one portal; give this one its own"
        )
    with closing(open_to_look(settings.database_url)) as store:
        if store.path is not None and not store.path.is_file():
            raise ConfigurationError(f"there is no database {store.path} (DATABASE_URL): has its service ever run?")
        return read(store, clock, settings)


def _print(out: "Console", found: Sequence[Deployment], now: datetime, *, as_json: bool, in_a_line: bool) -> None:
    if as_json:
        whole = {
            "ok": all(one.ok for one in found),
            "at": now.isoformat(),
            "deployments": [one.as_json() for one in found],
        }
        (print_json_line if in_a_line else print_json)(whole)
        return
    _print_report(out, found, now)
    if in_a_line:
        out.print()


def _print_report(out: "Console", found: Sequence[Deployment], now: datetime) -> None:
    from rich.text import Text

    ill = sum(not one.ok for one in found)
    out.print(Text(_summary(len(found), ill), "bold red" if ill else "green"))
    for one in found:
        out.print()
        out.print(Text(str(one.file), "" if one.ok else "bold red"), soft_wrap=True)
        if one.error is not None:
            print_wrapped(out, one.error, "  - ")
        if one.status is not None:
            for reason in one.status.reasons:
                print_wrapped(out, reason, "  - ")
            print_wrapped(out, _counts(one.status), "  ")
            print_wrapped(out, _times(one.status, now), "  ")


def _summary(count: int, ill: int) -> str:
    if count == 1:
        return "The one deployment needs a person." if ill else "The one deployment is well."
    if not ill:
        return f"All {count:,} deployments are well."
    return f"{ill:,} of {count:,} deployments {'needs' if ill == 1 else 'need'} a person."


def _counts(status: "Status") -> str:
    """Say what there is to do, and what stands; of what is not there nothing."""
    backlog = status.backlog
    oldest = f" for {format_duration(backlog.oldest_seconds)}" if backlog.due else ""
    parts = [f"{number(backlog.due, 'record')} due{oldest}"]
    parts += [f"{count:,} {word}" for count, word in ((backlog.held, "held"), (backlog.parked, "parked")) if count]
    parts += [
        f"{count:,} {state.value}" for state, count in status.effects.items() if count and state.value in SHOWN_STATES
    ]
    if status.stuck:
        parts.append(f"{len(status.stuck):,} stuck")
    return "; ".join(parts)


SHOWN_STATES = frozenset({"planned", "blocked", "unknown", "failed", "unproven"})
"""States of effects that are worth a word where so much is shown at once."""


def _times(status: "Status", now: datetime) -> str:
    """Say how long ago each way in brought something last: each deployment has a time zone of its own."""
    ways = (("sweep", status.last_sweep), ("poll", status.last_poll), ("webhook", status.last_webhook))
    return "; ".join(f"{way} {_ago(at, now)}" for way, at in ways)


def _ago(at: datetime | None, now: datetime) -> str:
    return "never" if at is None else f"{format_duration((now - at).total_seconds())} ago"
