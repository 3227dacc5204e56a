"""Plays a month of an agency with an earlier version, and keeps the database and the CRM that it leaves behind.

Run in a checkout of that version, where it uses nothing but its `tests.world`, with a directory to write to:

    python …/tests/story/before/make.py …/tests/story/before/0.2

Each client is left at another step of the process. Never run it with the version of today: what it makes is what a test of
the upgrade begins with.
"""

import json
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path.cwd()))

from tests.world import World

LINK = "https://lab.example/"


class Month:
    """The clients, by name, and what their people do."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.people = world.people
        self.portfolios: dict[str, str] = {}
        self.tickets: dict[str, list[str]] = {}

    def client(self, name: str, ahead: int, **options: Any) -> str:
        self.portfolios[name] = self.people.create_portfolio(
            name, self.world.day(ahead), cadence="Every 4 weeks", link=LINK + name.replace(" ", "-").lower(), **options
        )
        self.world.work()
        return self.portfolios[name]

    def status(self, name: str, status: str) -> None:
        self.people.set_status(self.portfolios[name], status)
        self.world.minutes(5)

    def arrived(self, name: str) -> None:
        """Confirmed, and the date comes."""
        self.client(name, 10)
        self.people.note("portfolio", self.portfolios[name], f"<p>{name} wants more autumn</p>")
        self.status(name, "Refresh Request Submitted")
        self.people.set_refresh_date(self.portfolios[name], self.world.day(0))
        self.world.minutes(5)

    def with_tickets(self, name: str) -> None:
        self.arrived(name)
        self.tickets[name] = [self.people.create_ticket(f"{name} {n}", "Autumn", self.portfolios[name]) for n in (1, 2)]
        self.status(name, "Deliverables Submitted")

    def ready(self, name: str, *which: int) -> None:
        for n in which:
            self.people.move_ticket(self.tickets[name][n - 1], "Pending Approval")
        self.world.minutes(5)

    def announced(self, name: str) -> None:
        self.with_tickets(name)
        self.ready(name, 1, 2)

    def revised(self, name: str) -> None:
        self.announced(name)
        self.people.note("ticket", self.tickets[name][0], "<p>Shorter, please</p>")
        self.people.request_revisions(self.tickets[name][0], "Copy Revisions Only")
        self.world.minutes(5)

    def delivered(self, name: str) -> None:
        """As the article asks: approval and stage; nobody ticks the task."""
        self.revised(name)
        self.people.set("ticket", self.tickets[name][0], {"copy_approval": "Approved"})
        self.ready(name, 1)

    def approved(self, name: str) -> None:
        self.announced(name)
        self.status(name, "Creatives Completed & Approved")

    def implemented(self, name: str) -> None:
        self.approved(name)
        self.status(name, "Creatives Implemented")

    def by_task(self, name: str) -> None:
        self.approved(name)
        mine = self.people.tasks("portfolio", self.portfolios[name])
        (task,) = [task for task in mine if task.subject == "Implement New Creatives for Refresh"]
        self.people.complete_task(task.id)
        self.world.minutes(5)

    def declined(self, name: str) -> None:
        self.client(name, 9)
        self.status(name, "No Refresh Requested")

    def corrected(self, name: str) -> None:
        """Declined by mistake and corrected within seconds: what was done in them stays done."""
        self.client(name, 9)
        self.people.set_status(self.portfolios[name], "No Refresh Requested")
        self.world.work()
        self.world.clock.advance(timedelta(seconds=15))
        self.status(name, "Refresh Request Submitted")

    def slipped(self, name: str) -> None:
        """Implemented by mistake and corrected before anybody looked: it ended nothing."""
        self.approved(name)
        self.people.set_status(self.portfolios[name], "Creatives Implemented")
        self.world.clock.advance(timedelta(seconds=1))
        self.status(name, "Creatives Completed & Approved")

    def blocked(self, name: str) -> None:
        """Nobody is there to be asked."""
        self.client(name, 9, account_manager=None)


def play(month: Month) -> None:
    month.client("Quiet", 40)
    month.client("Kicked off", 10)
    month.client("Confirmed", 10)
    month.status("Confirmed", "Refresh Request Submitted")
    acts: list[Callable[[str], None]] = [
        month.arrived, month.with_tickets, month.announced, month.revised, month.delivered, month.approved,
        month.implemented, month.by_task, month.declined, month.corrected, month.slipped, month.blocked,
    ]  # fmt: skip
    for act in acts:
        act(act.__name__.replace("_", " ").capitalize())
    month.with_tickets("Half ready")
    month.ready("Half ready", 1)
    month.world.minutes(60)


def _by_line(portal: dict[str, object]) -> str:
    """As JSON, a record a line."""
    return json.dumps(portal).replace('{"id"', '\n{"id"') + "\n"


def dumped(world: World) -> dict[str, object]:
    """The simulated CRM, record by record, with all that its histories hold."""
    portal = world.sandbox.portal
    return {
        "now": world.clock.now().isoformat(),
        "records": {
            kind: [
                {
                    "id": record.id,
                    "created": record.created,
                    "archived": record.archived_at,
                    "history": {
                        name: [
                            [v.value, v.at, v.actor.source_type, v.actor.source_id, v.actor.user_id] for v in versions
                        ]
                        for name, versions in record.history.items()
                    },
                    "links": {
                        to: {str(i): sorted(types) for i, types in ends.items()}
                        for to, ends in portal._links.get((kind, record.id), {}).items()
                    },
                }
                for record in portal._records[kind].values()
            ]
            for kind in portal.types
        },
        "emails": [[e.email_id, e.send_id, e.to, e.at, dict(e.message), dict(e.properties)] for e in portal.emails],
    }


def main(target: Path) -> None:
    with tempfile.TemporaryDirectory() as directory:
        world = World(Path(directory))
        month = Month(world)
        play(month)
        portal = dumped(world)
        world.close()
        with sqlite3.connect(Path(directory) / "handoffs.db") as database:
            database.executescript("DELETE FROM event; DELETE FROM delivery;")  # long, and all of it is worked off
            sql = "\n".join(database.iterdump())
    target.mkdir(parents=True, exist_ok=True)
    (target / "handoffs.sql").write_text(sql + "\n", encoding="utf-8")
    (target / "portal.json").write_text(_by_line(portal), encoding="utf-8")
    clients = {name: {"portfolio": i, "tickets": month.tickets.get(name, [])} for name, i in month.portfolios.items()}
    (target / "clients.json").write_text(json.dumps(clients, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
