"""Text that no database, email or log takes (docs/hubspot.md 4.17): half an emoji, as of a text cut short, and NUL."""

import pytest

from sync.crm import TASK_COMPLETED
from tests.terminal import Terminal
from tests.world import World

HALF, NUL, SHOWN = "\ud83d", "\0", "\ufffd"


@pytest.mark.parametrize("unfit", [HALF, NUL])
def test_wherever_it_stands_everything_is_done(world: World, monkeypatch: pytest.MonkeyPatch, unfit: str) -> None:
    """In a name, a folder, a link, a subject, a Note and a person's name: it is shown as the replacement character."""
    people = world.people
    owner = people.add_owner("Ann", f"Lee{unfit}", email="ann@agency.test")
    portfolio = people.create_portfolio(
        f"Acme {unfit}", world.day(0), account_manager=owner, most_recent_ad_lab_link=f"https://ad.lab/{unfit}"
    )
    people.note("portfolio", portfolio, f"<p>Go {unfit}</p>")
    world.work()
    assert world.kinds(("portfolio", portfolio)) == ["kickoff", "create_tickets"]
    ticket = people.create_ticket(f"Ad {unfit}", f"Winter {unfit}", portfolio)
    world.work()
    people.set_status(portfolio, "Deliverables Submitted")
    people.move_ticket(ticket, "Pending Approval")
    world.work()
    people.request_revisions(ticket, "Copy Revisions Only", note=f"shorter {unfit}")
    world.minutes(5)
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics", "revise_copy"]
    assert "share_deliverables" in world.kinds(("portfolio", portfolio))
    assert any(f"Acme {SHOWN}" in str(mail.properties) for mail in people.emails())
    terminal = Terminal(world, monkeypatch)
    for command in (["status"], ["list"], ["explain", portfolio], ["plan"], ["verify"], ["explain", "Acme"]):
        ended = terminal.run(*command)
        assert ended.exit_code in (0, 1), f"{command}: {ended.output} {ended.exception!r}"
    assert f"Acme {SHOWN}" in terminal.run("explain", portfolio).stdout


def test_what_people_wrote_into_a_task_stays(world: World) -> None:
    """The line of a decline goes below it; half an emoji alone, which nobody can see, becomes the replacement character."""
    portfolio = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    (task,) = world.tasks(("portfolio", portfolio))
    world.people.edit_task(task.id, hs_task_body=f"{task.body}<p>called twice {HALF}</p>")
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    (task,) = world.tasks(("portfolio", portfolio))
    assert task.status == TASK_COMPLETED
    assert f"<p>called twice {SHOWN}</p>" in task.body


def test_what_is_typed_in_another_encoding(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal that is not set to UTF-8 gives bytes which Python hands on as lone surrogates."""
    world.people.create_portfolio("Acme", world.day(5))
    terminal = Terminal(world, monkeypatch)
    world.people.flush_search()
    ended = terminal.run("adopt", "--silence-due", "--apply", "--yes", "--reason", "f\udcfcr M\udcfcller")
    assert ended.exit_code == 0, ended.output
    assert "no portfolio" in terminal.run("explain", "M\udcfcller").output
    assert "Nothing" in terminal.run("log", "M\udcfcller").output
    assert "no event" in terminal.run("replay", "--event", "M\udcfcller").output
