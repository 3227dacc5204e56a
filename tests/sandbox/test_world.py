"""The clock, the process, portals in use, and determinism as a whole."""

import random
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from sync.sandbox import CHAOS, Fault, Names, Quirks, Sandbox, VirtualClock, populate
from sync.sandbox.process import same
from sync.sandbox.situations import SITUATIONS
from tests.sandbox.client import NOW, PORTFOLIO, Client, make


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = VirtualClock.manual(NOW)
    assert clock.now() == clock.now() == NOW
    clock.sleep(1.5)
    assert clock.advance(timedelta(hours=1)) == NOW + timedelta(hours=1, seconds=1.5)
    assert clock.seconds() == clock.now().timestamp()
    with pytest.raises(ValueError, match="forward"):
        clock.set(NOW)
    with pytest.raises(ValueError, match="time zone"):
        clock.set(datetime(2027, 1, 1))  # noqa: DTZ001


def test_a_ticking_clock_runs_with_an_offset() -> None:
    clock = VirtualClock.running(NOW)
    first = clock.now()
    assert NOW <= first < NOW + timedelta(minutes=1)
    assert clock.set(NOW + timedelta(days=3)) >= NOW + timedelta(days=3)
    clock.freeze()
    assert clock.now() == clock.now()
    clock.run()
    assert clock.ticking
    assert clock.now() >= NOW + timedelta(days=3)
    assert abs(VirtualClock.running().now() - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_portal_with_other_names_and_values() -> None:
    names = Names(
        object_type_id="2-77",
        object_name="kreativ",
        status="refresh_state",
        date="refresh_on",
        statuses=(("s1", "Requested"), ("s2", "Declined"), ("s3", "Done"), ("s4", "Pending"), ("s5", "OK"), ("s6", "Live")),
        cadences=(),
        cadence="every_days",
        stages=(("a", "Neu"), ("b", "Arbeit"), ("c", "Prüfung"), ("d", "Zu")),
        pipeline=("p", "Kreation"),
        approvals=same("Approved"),
    )  # fmt: skip
    sandbox, client = make(names=names, with_task_property=True)
    portfolio = sandbox.people.create_portfolio("Acme", "2026-09-10", status="Declined", cadence="45")
    row = client.read("2-77", portfolio, properties=["refresh_state", "every_days"])["results"][0]
    assert (row["properties"]["refresh_state"], row["properties"]["every_days"]) == ("s2", "45")
    ticket = sandbox.people.create_ticket(stage="Prüfung", portfolios=portfolio)
    assert sandbox.people.ticket(ticket)["hs_pipeline_stage"] == "c"
    assert "handoff_key" in [p["name"] for p in client.ok("GET", "/crm/properties/2026-09/tasks")["results"]]
    populate(sandbox.portal, sandbox.process, len(SITUATIONS), random.Random(1))


def test_a_portal_in_use_has_every_situation_and_no_webhooks() -> None:
    sandbox, client = make()
    sandbox.delivery.subscribe_all(["ticket", PORTFOLIO])
    made = populate(sandbox.portal, sandbox.process, 33, random.Random(5))
    assert {name: len(ids) for name, ids in made.items()} == dict.fromkeys(SITUATIONS, 3)
    assert sandbox.delivery.waiting == 0
    assert client.search(PORTFOLIO)["total"] == 33
    people = sandbox.people
    closed = str(made["closed"][0])
    history = [v.value for v in people.history("portfolio", closed, "creative_refresh_status")]
    assert history == ["", "Creatives Implemented", "Creatives Completed & Approved"]
    shared = people.tickets(str(made["pending approval"][0]))
    assert {one["hs_pipeline_stage"] for one in shared} == {"880013"}
    subjects = [task.subject for task in people.tasks("portfolio", str(made["approved"][0]))]
    assert subjects == ["Implement New Creatives for Refresh"]
    assert all(one.created <= one.modified <= people.now() for one in people.portfolios())


def test_primary_can_be_set_when_the_ticket_is_made() -> None:
    sandbox, _ = make()
    people = sandbox.people
    one, two = people.create_portfolio(), people.create_portfolio()
    ticket = people.create_ticket("T", "", [one, two])
    assert people.ticket(ticket).associations["portfolio"] == (one, two)
    people.dissociate("ticket", ticket, "portfolio", one)
    assert people.ticket(ticket).associations["portfolio"] == (two,)


def test_the_same_seed_gives_the_same_bytes() -> None:
    first, second, other = _day(11), _day(11), _day(12)
    assert first == second
    assert first[0] != other[0]


def _day(seed: int) -> tuple[list[object], dict[str, object]]:
    """A busy day under faults and chaos: all that was answered and delivered, and the end state."""
    heard: list[object] = []

    def receive(method: str, url: str, headers: Mapping[str, str], body: bytes) -> int:
        heard.append((dict(headers), body))
        return 200 if len(heard) % 4 else 503

    sandbox = Sandbox(
        seed=seed, start=NOW, target="https://x.example/hook", sender=receive, mode=CHAOS, quirks=Quirks()
    )
    client = Client(sandbox.session(), timeout=5)
    populate(sandbox.portal, sandbox.process, 22, random.Random(seed))
    sandbox.delivery.subscribe_all([PORTFOLIO, "ticket", "task"])
    sandbox.faults.add(
        Fault("lost", "POST */batch/update", probability=0.2),
        Fault("late", "POST */batch/update", probability=0.2, delay=90),
        Fault("503", probability=0.1),
    )
    dice = random.Random(seed)
    portfolios = [seen.id for seen in sandbox.people.portfolios()]
    for n in range(60):
        one = dice.choice(portfolios)
        sandbox.people.set("portfolio", one, {"name": f"Client {n}"})
        try:
            inputs = [{"id": i, "properties": {"most_recent_ad_lab_link": f"{n}"}} for i in dice.sample(portfolios, 3)]
            update = client.send("POST", f"/crm/objects/2026-09/{PORTFOLIO}/batch/update", {"inputs": inputs})
            heard.append(update.content)
        except OSError as error:
            heard.append(type(error).__name__)
        ids = [{"id": i} for i in portfolios]
        path = f"/crm/objects/2026-09/{PORTFOLIO}/batch/read"
        heard.append(client.send("POST", path, {"inputs": ids, "propertiesWithHistory": ["name"]}).content)
        sandbox.people.advance(minutes=20)
        sandbox.delivery.pump()
    return heard, sandbox.portal.dump()


def test_the_options_of_a_property_are_values_with_labels_or_plain_texts() -> None:
    """Seen: plain ones were taken, and every later answer about that property broke off."""
    sandbox, client = make()
    sandbox.people.redefine_property("ticket", "copy_approval", options=["Approved", ["n", "Not yet"]])
    options = client.ok("GET", "/crm/properties/2026-09/tickets/copy_approval")["options"]
    assert [(one["value"], one["label"]) for one in options] == [("Approved", "Approved"), ("n", "Not yet")]
    with pytest.raises(ValueError, match="an option is a value with its label"):
        sandbox.people.redefine_property("ticket", "copy_approval", options=[{"value": "Approved"}])
