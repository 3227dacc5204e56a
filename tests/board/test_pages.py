"""What the pages say: where every client stands, and all that is known of one."""

import re
from datetime import UTC, datetime
from html import unescape

import pytest
from sqlalchemy import text

from mappings.vocabulary import Kept, Step
from sync.board.pages import client
from sync.board.pages import overview as page
from sync.crm import Kind, RecordRef
from sync.observe.clients import Standing, kept, some
from sync.storage import overview
from sync.storage.database import to_json
from sync.storage.overview import RANKS, Wanted
from sync.storage.versions import KeptVersion
from tests.board.browser import Visitor, visitor
from tests.conftest import MakeWorld
from tests.world import World


def agency(world: World) -> dict[str, str]:
    """Clients in several steps: one that is late, one that HubSpot refuses a task for, and one that is quiet."""
    people = world.people
    made = {
        name: people.create_portfolio(name, world.day(ahead))
        for name, ahead in (("Acme", 10), ("Bolt", 3), ("Cosy", 80))
    }
    world.work()
    people.set_status(made["Bolt"], "Refresh Request Submitted")
    world.next_day(5)
    for n in (1, 2):
        people.create_ticket(f"Ad {n}", "Autumn", made["Bolt"])
    people.move_ticket(people.tickets(made["Bolt"])[0].id, "Pending Approval")
    world.work()
    people.set_rules(
        {"name": "r", "type": "task", "property": "hs_task_subject", "pattern": "^[^:]*$", "message": "No colons."}
    )
    made["Dune"] = people.create_portfolio("Dune", world.day(2))
    world.work()
    world.minutes(60)
    return made


def test_the_ranks_are_the_standings_in_their_order() -> None:
    assert list(RANKS) == [one.value for one in Standing]


def test_who_is_late_stands_first_with_whom_and_since_when(world: World) -> None:
    agency(world)
    dana = visitor(world)
    said = dana.see("/board")
    assert "2 clients want somebody now" in said
    assert said.index("Dune failed An admin") < said.index("Acme stuck The Account Manager (Amelia Marsh) · 5 days")
    assert "Bolt waiting The Creative Team" in said
    assert "Autumn: 1 of 2 ready" in said
    assert "Between refreshes 1 Cosy quiet The calendar" in said


def test_the_columns_are_what_is_kept_of_each_client(world: World) -> None:
    agency(world)
    service = world.service
    now, window = service.clock.now(), service.mapping.rules.window_days
    with service.store.read() as connection:
        clients = kept(connection, now, service.today, window)
        columns = overview.columns(connection, Wanted(), now, at_most=10)
        assert [one.step for one in columns] == list(Step)
        for column in columns:
            mine = [one for one in clients if one.step is column.step]
            shown = some(connection, column.shown, now, service.today, window)
            assert [one.standing for one in mine] == [one.standing for one in shown]
            assert column.count == len(mine)
            assert column.urgent == sum(RANKS.index(one.standing.value) < overview.URGENT for one in mine)
        number, ids = overview.urgent(connection, now, 10)
    assert (number, ids) == (2, [one.id for one in clients[:2]])


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=BO", {"Bolt"}),
        ("q=%25", set()),
        ("q=o_y", set()),
        ("person=Cody+Wright", {"Acme", "Bolt", "Cosy", "Dune"}),
        ("person=Cody", set()),
        ("turn=creative_team", {"Bolt"}),
        ("turn=nobody", {"Acme", "Bolt", "Cosy", "Dune"}),
        ("month=2027-01", {"Cosy"}),
        ("month=2026-11&urgent=1", {"Acme", "Dune"}),
        ("step=production", {"Bolt"}),
        ("step=production&page=2", set()),
        ("step=production&page=-1", {"Bolt"}),
        ("step=production&page=99999999999999999999", {"Bolt"}),
        ("step=nowhere", {"Acme", "Bolt", "Cosy", "Dune"}),
    ],
)
def test_a_filter_lets_through_what_it_names(world: World, query: str, found: set[str]) -> None:
    agency(world)
    dana = visitor(world)
    text = dana.get(f"/board?{query}").text
    cards = text[text.index('class="columns') :]
    assert {name for name in ("Acme", "Bolt", "Cosy", "Dune") if f">{name}</a>" in cards} == found


def test_many_clients_are_paged(make_world: MakeWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "IN_COLUMN", 2)
    monkeypatch.setattr(page, "ON_PAGE", 3)
    world = make_world()
    for n in range(7):
        world.people.create_portfolio(f"Client {n}", world.day(60))
    world.work()
    dana = visitor(world)
    assert "All 7 between refreshes" in dana.see("/board")
    shown = [dana.see(f"/board?step=between&page={n}") for n in (1, 2, 3)]
    assert [sum(f"Client {n} " in one for n in range(7)) for one in shown] == [3, 3, 1]
    assert "Page 2 of 3" in shown[1]


def test_what_was_changed_is_told_in_the_mappings_words() -> None:
    ticket, at = RecordRef(Kind.TICKET, "7"), datetime(2026, 11, 2, tzinfo=UTC)
    words = {"needs_revisions": "Aenderung", "in_progress": "Doing", "pending_approval": "880013"}
    kept = [
        KeptVersion(ticket, Kept.NEEDS_REVISIONS, at, "text", "copy", "CRM_UI", ""),
        KeptVersion(ticket, Kept.STAGE, at, "880012", "in_progress", "CRM_UI", ""),
        KeptVersion(ticket, Kept.STAGE, at, "880013", "pending_approval", "CRM_UI", ""),
        KeptVersion(ticket, Kept.STAGE, at, "880014", "closed", "CRM_UI", ""),
    ]
    told = [one.text for one in client.changed(ticket, kept, {}, "", client.Span(None, None), {}, words)]
    assert told == [
        "Aenderung of ticket 7 set to “text”",
        "stage of ticket 7 set to “Doing”",
        "stage of ticket 7 set to “Pending approval”",
        "stage of ticket 7 set to “Closed”",
    ]


def test_a_clients_page_during_a_cycle_and_after_it(world: World) -> None:
    people = world.people
    acme = people.create_portfolio("Acme", world.day(3))
    world.work()
    people.set_status(acme, "Refresh Request Submitted", by=people.owner("account_manager"))
    world.next_day(3)
    one, two = (people.create_ticket(f"Ad {n}", "Autumn", acme) for n in (1, 2))
    people.move_ticket(one, "Pending Approval")
    world.work()
    dana = visitor(world)
    said = dana.see(f"/board/client/{acme}")
    assert "1 Kickoff done Mon 2 Nov 2026 09:00 the Refresh Date Thu 5 Nov 2026 is 3 days away" in said
    assert "2a The client declines not applicable the client has not declined in this cycle" in said
    assert "5 The Ad Set is ready waiting Ad Set “Autumn”: 1 of 2 are ready; waiting for ticket" in said
    assert "Autumn: 1 of 2 ready Ad 1 ready in “Pending Approval”" in said
    assert "Ad 2 missing in “New”" in said
    assert "status set to “Refresh Request Submitted” by Amelia Marsh" in said
    assert f"/record/0-5/{one}" in dana.get(f"/board/client/{acme}").text
    people.move_ticket(two, "Pending Approval")
    people.set_status(acme, "Creatives Completed & Approved")
    world.work()
    [task] = [task for task in people.tasks("portfolio", acme) if task.key and "implement" in task.key]
    people.complete_task(task.id)
    world.minutes(30)
    world.next_day(1)
    dana.log_in()
    said = dana.see(f"/board/client/{acme}")
    assert "Between refreshes" in said
    assert "the first that is known" in said
    assert "status emptied by the service" in said
    earlier = dana.see(f"/board/client/{acme}?cycle=first")
    assert "What happened in that cycle" in earlier
    assert "Kickoff" in earlier[earlier.index("What happened in that cycle") :]
    assert dana.get(f"/board/client/{acme}?cycle=nonsense").status_code == 200


def test_a_client_that_nobody_knows_is_not_there(world: World) -> None:
    dana = visitor(world)
    for path in ("/board/client/1", "/board/client/x", "/board/client/%27%3B--", "/board/client/" + "9" * 500):
        assert dana.get(path).status_code == 404


def test_the_reasons_are_the_words_of_explain(world: World) -> None:
    from sync.admin.explain import explain

    made = agency(world)
    dana = visitor(world)
    for portfolio in (made[name] for name in ("Acme", "Bolt", "Dune")):  # those that were looked at today
        said = dana.see(f"/board/client/{portfolio}")
        for line in explain(world.service.reading, portfolio).handoffs:
            for result in line.results:
                assert result.reason.split("; task")[0] in said


NASTY = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7*7 }}"


def test_whatever_people_type_is_shown_and_never_run(make_world: MakeWorld) -> None:
    world = make_world()
    people = world.people
    acme = people.create_portfolio(f"Acme {NASTY}", world.day(0))
    world.work()
    ticket = people.create_ticket(f"Ad {NASTY}", f"Autumn {NASTY}", acme)
    people.create_ticket(f"Loose {NASTY}", "", acme)
    people.move_ticket(ticket, "Pending Approval")
    world.work()
    with world.service.store.write() as connection:  # texts that come by other ways: names of people, problems, errors
        nasty = {"x": NASTY}
        lists = {"problems": to_json({"problems": [NASTY]}), "people": to_json({"copywriter": NASTY})}
        connection.execute(
            text("UPDATE portfolio SET status = :x, problems = :problems, people = :people"), {**nasty, **lists}
        )
        connection.execute(text("UPDATE effect SET state = 'failed', reason = :x"), nasty)
        connection.execute(text("UPDATE wait SET who = :x, what = :x"), nasty)
        connection.execute(text("UPDATE version SET value = :x WHERE property = 'stage'"), nasty)
    dana = visitor(world)
    for path in (
        "/board",
        f"/board/client/{acme}",
        "/board?q=" + NASTY,
        "/board?person=" + NASTY,
        "/board?month=" + NASTY,
    ):
        answer = dana.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text, path
        assert "<img" not in answer.text, path
        assert "\"'>" not in answer.text
        assert "49" not in answer.text.replace("&#39;", "").replace("&#34;", "") or "7*7" in answer.text
    assert "<script>alert(1)</script>" in dana.see("/board"), "it is shown as it was typed"
    stranger = Visitor(world)
    assert "<script>alert" not in stranger.log_in(NASTY, "x", next=NASTY).text


def test_a_link_is_one_to_https_alone(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(0))
    world.work()
    with world.service.store.write() as connection:
        connection.execute(text("UPDATE portfolio SET url = 'javascript:alert(1)'"))
    assert "javascript:" not in visitor(world).get(f"/board/client/{acme}").text


def test_what_needs_a_person_is_told_with_its_remedy_and_the_command(world: World) -> None:
    made = agency(world)
    dana = visitor(world)
    said = dana.see("/board/attention")
    assert "failed Refused by HubSpot or the mail server: 1" in said
    assert "Dune : handoff 1: task kickoff, for 1 hour" in said
    assert f"handoffs dead show {made['Dune']}" in said
    with world.service.store.write() as connection:
        connection.execute(text("UPDATE effect SET state = 'done'"))
    assert "Nothing does." in dana.see("/board/attention")


def test_the_history_is_that_of_the_log(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    made = agency(world)
    dana = visitor(world)
    said = dana.see("/board/history")
    assert max(said.index("1 Kickoff Dune"), said.index("4 Tickets created Bolt")) < said.index("1 Kickoff Acme")
    assert "task kickoff → Amelia Marsh failed" in said
    assert "1 Kickoff Acme" not in dana.see("/board/history?client=bolt")
    assert "Nothing matches." in dana.see("/board/history?state=unproven")
    assert "Nothing matches." in dana.see("/board/history?since=2099-01-01")
    assert "1 Kickoff Acme" in dana.see(f"/board/history?client={made['Acme']}&handoff=1&person=amelia&since=nonsense")
    monkeypatch.setattr("sync.board.pages.history.AT_MOST", 2)
    seen, path = [], "/board/history"
    while path:
        page_text = dana.get(path).text
        seen += re.findall(r"<strong>(\S+) ", page_text)
        older = re.search(r'rel="next" href="([^"]+)"', page_text)
        path = unescape(older[1]) if older is not None else ""
        assert len(seen) < 40
    with world.service.store.read() as connection:
        every = connection.execute(text("SELECT count(*) FROM occurrence")).scalar_one()
    assert len(seen) == every


def test_runs_are_told_with_who_and_why(world: World) -> None:
    from sync.storage import releases

    dana = visitor(world)
    assert "Nobody has had anything done yet." in dana.see("/board/runs")
    with world.service.store.write() as connection:
        releases.permit(connection, 30, world.clock.now(), actor="kim", reason="looked through <b>")
    assert "release kim looked through <b> permitted 30" in dana.see("/board/runs")


def test_health_is_what_status_says(world: World) -> None:
    agency(world)
    said = visitor(world).see("/board/health")
    assert "Not all is well" in said
    assert "1 failed: refused by the CRM or the mail server" in said
    assert "Requests to HubSpot" in said
