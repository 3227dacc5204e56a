"""What may be done on the board: by whom, with a reason that is kept, and what comes of it in the CRM."""

import pytest

from sync.admin.board_acts import BoardActs
from sync.clock import from_ms
from sync.storage import runs
from sync.storage.runs import Run
from tests.board.browser import Visitor, add_user, proof_in, visitor
from tests.conftest import MakeWorld
from tests.world import World

REFUSE = {"name": "r", "type": "task", "property": "hs_task_subject", "pattern": "^[^:]*$", "message": "No colons."}
SMALL = "rules: {effects_per_hour: 4}\n"


def acts_of(world: World) -> BoardActs:
    service = world.service
    return BoardActs(service.store, service.clock, service.mapping.rules.effects_per_hour, service.mapping.zone)


def runs_of(world: World) -> list[Run]:
    with world.service.store.read() as connection:
        return runs.find(connection, from_ms(0), from_ms(2**41))


def refused_kickoff(world: World) -> str:
    world.people.set_rules(REFUSE)
    acme = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    world.people.set_rules()
    assert not world.people.tasks("portfolio", acme)
    return acme


@pytest.mark.parametrize("page", ["/board/client/{}", "/board/attention"])
def test_what_was_refused_is_tried_again_with_who_and_why(world: World, page: str) -> None:
    acme = refused_kickoff(world)
    dana = visitor(world, may_write=True, allowed=acts_of(world))
    form = page.format(acme)
    path = f"{form}/look-again" if "client" in form else "/board/attention/retry"
    answer = dana.send(form, path, {"reason": "  the rule is\ngone <b> "})
    assert (answer.status_code, answer.location.partition("?")[0]) == (303, form)
    assert "load this page in a moment" in dana.see(answer.location)
    world.work()
    assert len(world.people.tasks("portfolio", acme)) == 1
    [run] = runs_of(world)
    assert (run.actor, run.reason, dict(run.counts)) == ("Dana (board)", "the rule is gone <b>", {"enqueued": 1})
    assert "Dana (board) the rule is gone <b>" in dana.see("/board/runs")
    again = dana.send(form, path, {"reason": "once more"})
    world.work()
    assert len(world.people.tasks("portfolio", acme)) == 1, "a look is harmless at any time"
    assert ("done=nothing" in again.location) == ("retry" in path)


def test_what_is_held_is_let_go_as_by_the_command(make_world: MakeWorld) -> None:
    world = make_world(mapping=SMALL)
    made = [world.people.create_portfolio(f"Client {n}", world.day(5)) for n in range(5)]
    world.work()
    dana = visitor(world, may_write=True, allowed=acts_of(world))
    said = dana.see("/board/attention")
    assert "held Held by the limit of effects an hour" in said
    answer = dana.send("/board/attention", "/board/attention/release", {"reason": "meant", "everything": "1"})
    assert "done=release" in answer.location
    world.work()
    assert all(len(world.people.tasks("portfolio", one)) == 1 for one in made)
    [run] = runs_of(world)
    assert (run.command, run.actor, run.reason) == ("release", "Dana (board)", "meant")
    assert "done=nothing" in dana.send("/board", "/board/attention/release", {"reason": "again"}).location


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_nothing_is_done_without_a_reason(world: World, reason: str) -> None:
    acme = refused_kickoff(world)
    dana = visitor(world, may_write=True, allowed=acts_of(world))
    assert dana.send("/board", f"/board/client/{acme}/look-again", {"reason": reason}).status_code == 400
    assert runs_of(world) == []


def test_nothing_is_done_by_whoever_may_only_look(world: World) -> None:
    acme = refused_kickoff(world)
    dana = visitor(world, allowed=acts_of(world))
    assert "look-again" not in dana.get(f"/board/client/{acme}").text
    for path in (f"/board/client/{acme}/look-again", "/board/attention/retry", "/board/attention/release"):
        assert dana.send("/board", path, {"reason": "because"}).status_code == 403
    assert runs_of(world) == []


def test_nothing_is_done_where_the_setting_is_off(world: World) -> None:
    acme = refused_kickoff(world)
    dana = visitor(world, may_write=True)
    assert "look-again" not in dana.get(f"/board/client/{acme}").text
    for path in (f"/board/client/{acme}/look-again", "/board/attention/retry", "/board/attention/release"):
        assert dana.send("/board", path, {"reason": "because"}).status_code in {404, 405}
    assert runs_of(world) == []


def test_nothing_is_done_without_the_forms_proof(world: World) -> None:
    acme = refused_kickoff(world)
    dana = visitor(world, may_write=True, allowed=acts_of(world))
    assert dana.post(f"/board/client/{acme}/look-again", {"reason": "because"}).status_code == 403
    assert dana.get(f"/board/client/{acme}/look-again").status_code == 405
    assert runs_of(world) == []


def test_whom_a_proxy_names_needs_the_right_too(world: World) -> None:
    acme = refused_kickoff(world)
    add_user(world, "kim@agency.example", password=None, may_write=True)
    guest = Visitor(world, allowed=acts_of(world), board_proxy_header="X-User")
    path = f"/board/client/{acme}/look-again"
    for name, status in (("kim@agency.example", 303), ("somebody@else.example", 403)):
        headers = {"X-User": name}
        page = guest.get("/board/client/" + acme, headers={"X-User": "kim@agency.example"})
        data = {"reason": "because", "csrf": proof_in(page.text)}
        assert guest.post(path, data, headers=headers).status_code == status
    assert [run.actor for run in runs_of(world)] == ["kim@agency.example (board)"]


def test_a_client_that_nobody_knows_is_not_looked_at(world: World) -> None:
    dana = visitor(world, may_write=True, allowed=acts_of(world))
    answer = dana.send("/board", "/board/client/4711/look-again", {"reason": "because"})
    assert "done=nothing" in answer.location
    assert runs_of(world) == []
