"""How commands reach a sandbox that runs in another process: by its control API."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from sync.errors import HandoffsError

if TYPE_CHECKING:
    from sync.sandbox.control_client import ControlClient
    from sync.sandbox.people import RemotePeople

PORT = 8900
"""Where a sandbox listens unless --port says otherwise."""

TIMEOUT = 10.0
"""Seconds that one call of the control API may take."""

MARK = "# Written by `handoffs sandbox --env`: the settings of a simulated HubSpot. It is replaced at the next start."
"""The first line of a file of settings that a sandbox has written."""


def _address() -> str:
    """Where the sandbox is whose settings stand in `.env` here; else the usual address."""
    from dotenv import dotenv_values

    from sync.settings import ENV_FILE

    usual = f"http://127.0.0.1:{PORT}"
    try:
        text = ENV_FILE.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return usual
    if text.partition("\n")[0] != MARK:
        return usual
    return dotenv_values(ENV_FILE, encoding="utf-8").get("HUBSPOT_BASE_URL") or usual


URL = click.option(
    "--url",
    default=_address,
    show_default=f"that of .env if a sandbox wrote it, else http://127.0.0.1:{PORT}",
    envvar="SANDBOX_URL",
    help="The running sandbox.",
)


class SandboxError(HandoffsError):
    """The sandbox is not there, or refuses what was asked; the message is its own."""


@contextmanager
def control(url: str) -> Iterator["ControlClient"]:
    """Open the control API of the sandbox at `url`. Raises `SandboxError` if it is not there, or refuses a call."""
    from sync.sandbox.control_client import ControlClient

    with _errors_of(url), ControlClient(url, timeout=TIMEOUT) as client:
        yield client


@contextmanager
def people_of(url: str) -> Iterator["RemotePeople"]:
    """Let people act in the sandbox at `url`. Raises `SandboxError` if it is not there, or refuses an act."""
    from sync.sandbox.people import RemotePeople

    with _errors_of(url), RemotePeople(url, timeout=TIMEOUT) as people:
        yield people


@contextmanager
def _errors_of(url: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:  # every error of requests is one
        raise SandboxError(f"no sandbox answers at {url}: start one with `handoffs sandbox`, or give --url") from error
    except (ValueError, KeyError) as error:
        raise SandboxError(str(error)) from error
