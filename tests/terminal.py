"""The commands, run as a person runs them, on a world: what they print, and how they end."""

import json
from functools import partial
from typing import Any

import pytest
import requests
from click.testing import CliRunner, Result

from sync import clock
from sync.cli import main
from sync.sandbox.transport import mount
from sync.service import bootstrap
from tests.alive import alive
from tests.world import World


class Terminal:
    """Runs commands beside a world's service: the same portal, database and clock.

    `served`: whether `status` finds signs of life, as beside a `handoffs serve`.
    """

    def __init__(self, world: World, patch: pytest.MonkeyPatch, *, served: bool = True) -> None:
        self.served = served
        self.world = world
        self._patch = patch
        settings = world.settings
        token = settings.hubspot_access_token
        assert token is not None
        self.environment: dict[str, str | None] = {
            "HUBSPOT_ACCESS_TOKEN": token.get_secret_value(),
            "HUBSPOT_APP_ID": settings.hubspot_app_id,
            "HUBSPOT_BASE_URL": settings.hubspot_base_url,
            "DATABASE_URL": settings.database_url,
            "EMAIL_URL": settings.email_url,
            "EMAIL_FROM": settings.email_from,
            "MAPPING": None if settings.mapping is None else str(settings.mapping),
        }
        wired = partial(
            bootstrap.build,
            clock=world.clock,
            budget_clock=world.clock,
            session=mount(requests.Session(), world.sandbox.api),
            failpoint=lambda step: world.failpoint(step),
        )
        patch.setattr(bootstrap, "build", wired)
        patch.setattr(clock, "SystemClock", lambda: world.clock)
        patch.setattr("sync.log.configure", lambda *_args, **_options: None)
        patch.chdir(world.directory)

    def run(self, *arguments: str, typed: str | None = None, charset: str = "utf-8", **environment: str) -> Result:
        """The command's end; `typed` is what a person answers, who then sits at a terminal."""
        self._patch.setattr("sync.commands.terminal.at_a_terminal", lambda: typed is not None)
        if self.served and arguments[0] == "status":
            alive(environment.get("DATABASE_URL") or str(self.environment["DATABASE_URL"]), self.world.clock)
        runner = CliRunner(charset=charset, env={**self.environment, **environment})
        return runner.invoke(main, list(arguments), input=typed)

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        return json.loads(result.stdout)

    def lines(self, *arguments: str) -> list[Any]:
        """What a command prints with `--json`, a line a record."""
        result = self.run(*arguments, "--json")
        return [json.loads(line) for line in result.stdout.splitlines()]


def dump(world: World) -> dict[str, Any]:
    """All that the database holds, but the request budget; and all that the CRM holds."""
    from sync.storage.tables import metadata, service_state

    with world.service.store.read() as connection:
        tables = {
            table.name: sorted(map(str, connection.execute(table.select())))
            for table in metadata.sorted_tables
            if table.name != "budget"
        }
        tables["fact"] = sorted(
            f"{row.name}={row.value}"
            for row in connection.execute(service_state.select())
            if not row.name.startswith("budget_")
        )
    people = world.people
    records = {
        kind: [(one.id, dict(one.properties)) for one in people.list(kind)]
        for kind in ("portfolio", "ticket", "task", "note")
    }
    return {**tables, **records, "emails": len(people.emails())}
