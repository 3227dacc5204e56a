"""Whatever the CRM answers, or does not: once it is well again everything has happened once, and nothing is put aside."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from mappings.texts import Texts
from sync.clock import to_ms
from sync.errors import HandoffsError
from sync.passes.bookkeeping import SOON
from sync.sandbox.faults import Fault, FaultKind
from sync.sandbox.schema import Actor
from sync.storage.tables import effects, work_items
from tests.conftest import MakeWorld
from tests.story import busy_day
from tests.story.copies import in_copy
from tests.world import World

CALLS = {
    "read": "POST *_portfolios/batch/read",
    "write": "POST */batch/update",
    "create": "POST */tasks/batch/create",
    "search": "POST */search",
    "associations": "POST */associations/*",
    "email": "POST */single-email/send",
}

KINDS: tuple[FaultKind, ...] = (
    "429-ten-secondly", "429-secondly", "429-daily", "429-bare", "401", "403", "423", "477", "500", "502", "503", "504",
    "refused", "reset", "hang", "slow", "truncated", "cut", "lost", "lost-504", "late", "late-hang", "partial",
    "no-property", "no-history", "no-histories", "no-version", "no-list", "left-out",
)  # fmt: skip


@dataclass(frozen=True)
class Quiet:
    """A small world in which every kind of call is about to be made, and how it ends if nothing goes wrong."""

    world: World
    end: dict[str, Any]


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quiet]:
    """Without webhooks, so that the search is called as well."""
    world = World(tmp_path_factory.mktemp("quiet"), webhooks=False)
    people = world.people
    closing = people.create_portfolio("closing", world.day(3))
    world.work()
    people.set_status(closing, "Creatives Completed & Approved")
    world.minutes(5)
    (task,) = [task for task in world.tasks() if "implement" in task.key]
    people.complete_task(task.id)
    arrived = people.create_portfolio("arrived", world.day(0))
    people.create_ticket("new", "Autumn", arrived)
    declined = people.create_portfolio("declined", world.day(2))
    people.create_ticket("older", "Summer", declined)
    world.minutes(5)
    people.set_status(declined, "No Refresh Requested")
    world.clock.advance(timedelta(minutes=1))
    yield Quiet(world, in_copy(world, _ended))
    world.service.close()


def _ended(world: World) -> dict[str, Any]:
    """Like the worker: an error that concerns every record is waited out."""
    calm = 0
    for _ in range(60):
        try:
            world.minutes(2)
        except HandoffsError:
            world.service.portals.forget()
        calm = 0 if world.sandbox.faults.active() or busy_day.unsettled(world) else calm + 1
        if calm == 3:
            return busy_day.end_state(world)
    raise AssertionError(busy_day.unsettled(world))


@pytest.mark.parametrize("calls", [("read", "search", "associations"), ("write", "create", "email")])
@pytest.mark.parametrize("kind", KINDS)
def test_a_fault_that_passes(quiet: Quiet, kind: FaultKind, calls: tuple[str, ...]) -> None:
    """It befalls each of these calls for longer than one call is tried."""

    def act(world: World) -> dict[str, Any]:
        world.sandbox.faults.add(*(Fault(kind, CALLS[call], lasts=100, delay=20) for call in calls))
        return _ended(world)

    found = busy_day.differences(in_copy(quiet.world, act), quiet.end)
    assert not found, "\n".join(found)


def test_everything_at_once_for_an_hour(quiet: Quiet) -> None:
    def act(world: World) -> dict[str, Any]:
        storm = [Fault(kind, lasts=3600, probability=0.05, delay=20) for kind in KINDS if kind not in {"401", "403"}]
        world.sandbox.faults.add(*storm)
        return _ended(world)

    found = busy_day.differences(in_copy(quiet.world, act), quiet.end)
    assert not found, "\n".join(found)


# What the ledger says meanwhile


def _effects(world: World, **where: str) -> list[Any]:
    with world.service.store.read() as connection:
        rows = connection.execute(select(effects).order_by(effects.c.key)).all()
    return [row for row in rows if all(getattr(row, name) == value for name, value in where.items())]


def _rows(world: World) -> list[Any]:
    with world.service.store.read() as connection:
        return list(connection.execute(select(work_items).order_by(work_items.c.id)))


def test_what_was_certainly_not_sent_is_not_tried(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.sandbox.faults.add(Fault("429-ten-secondly", CALLS["create"]))
    tally = world.work()
    assert tally.not_sent > 0
    assert tally.unknown == tally.failed == tally.errors == 0
    (task,) = _effects(world, kind="task")
    assert (task.state, task.attempts, task.attempted_at) == ("planned", 0, None)
    assert "TEN_SECONDLY" in task.reason
    world.people.set_refresh_date(portfolio, world.day(60))
    world.sandbox.faults.clear()
    world.minutes(5)
    assert world.kinds() == ([] if not world.emails() else ["kickoff"]), "once the email is out the rest follows"


def test_what_may_have_been_applied_is_unknown_and_waits(world: World) -> None:
    """docs/process.md W.8."""
    world.people.create_portfolio("Acme", world.day(10))
    world.sandbox.faults.add(Fault("lost", CALLS["create"], times=1))
    tally = world.work()
    assert (tally.unknown, tally.failed, tally.errors) == (1, 0, 0)
    (task,) = _effects(world, kind="task")
    assert task.state == "unknown"
    world.minutes(1)
    assert _effects(world, kind="task")[0].state == "unknown"
    world.minutes(1)
    (task,) = _effects(world, kind="task")
    assert (task.state, task.crm_id) == ("done", world.tasks()[0].id)
    assert len(world.tasks()) == 1


def test_the_record_of_an_unknown_outcome_is_deleted_and_restored(world: World) -> None:
    """While it is deleted, and the search lags, the CRM shows nothing of it: nothing is done again when it comes back."""
    acme = world.people.create_portfolio("Acme", world.day(10))
    world.sandbox.faults.add(Fault("lost", CALLS["create"], times=1))
    assert world.work().unknown == 1
    portal = world.sandbox.portal
    portal.index.drop(portal.get(portal.type("task").id, int(world.tasks()[0].id)))
    world.people.archive("portfolio", acme)
    world.minutes(5)
    assert _effects(world, kind="task")[0].state == "unknown"
    world.people.restore("portfolio", acme)
    world.minutes(5)
    (task,) = _effects(world, kind="task")
    assert (task.state, task.crm_id) == ("done", world.tasks()[0].id)
    assert world.kinds() == ["kickoff"]


def test_a_refused_token_leaves_nothing_tried(world: World) -> None:
    """The token is withdrawn just before the tasks are made; meanwhile the kickoff is no longer due."""
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.sandbox.faults.add(Fault("401", CALLS["create"]))
    with pytest.raises(HandoffsError):
        world.work()
    (task,) = _effects(world, kind="task")
    assert (task.state, task.attempted_at) == ("planned", None)
    world.sandbox.faults.clear()
    world.people.set_status(portfolio, "Refresh Request Submitted")
    world.minutes(1)
    assert world.tasks() == []
    assert world.emails() == []


def test_an_email_that_may_not_be_sent_holds_up_nothing_else(world: World) -> None:
    """The app lacks the permission for single-send: tasks and writes go on, for everybody."""
    world.sandbox.faults.add(Fault("403", CALLS["email"]))
    for n in range(3):
        world.people.create_portfolio(f"Client {n}", world.day(10))
    world.work()
    assert world.kinds() == ["kickoff"] * 3
    assert world.emails() == []
    world.sandbox.faults.clear()
    world.minutes(3)
    assert world.receivers() == ["account_manager"] * 3


def test_an_answer_that_says_nothing_of_one_record_stops_no_other(world: World) -> None:
    """A part of a read fails for good: the record that it is about waits alone."""
    for n in range(4):
        world.people.create_portfolio(f"Client {n}", world.day(10))
    world.sandbox.faults.add(Fault("partial", CALLS["read"], share=0.25, times=2))
    tally = world.work()
    assert tally.errors == 1
    assert len(world.tasks()) == 3
    (row,) = _rows(world)
    assert row.parked_at is None
    assert row.look_at == to_ms(world.clock.now() + SOON)
    world.minutes(2)
    world.minutes(2)
    assert len(world.tasks()) == 4
    assert busy_day.unsettled(world) == []


# The admin's validation rules

NO_COLLATERAL = {
    "name": "Only people close", "type": "portfolio", "property": "creative_refresh_status",
    "pattern": "(?!Creatives Pending Approval).*", "message": "Ask Amelia before you set this",
}  # fmt: skip


def _ready(world: World, name: str) -> str:
    portfolio = world.people.create_portfolio(name, world.day(40), status="Deliverables Submitted")
    world.people.create_ticket(f"{name} 1", "Autumn", portfolio, stage="Pending Approval")
    return portfolio


def test_a_write_that_a_rule_refuses(world: World) -> None:
    """It is `failed` with the CRM's words and spoils no other; the next sweep tries it again."""
    world.people.set_rules(NO_COLLATERAL)
    ready = _ready(world, "Acme")
    declined = world.people.create_portfolio("Bolt", world.day(30), status="No Refresh Requested")
    tally = world.work()
    assert tally.failed == 1
    assert world.date(declined) > world.day(30).isoformat(), "in the same batch"
    (write,) = _effects(world, state="failed")
    assert "Ask Amelia before you set this" in write.reason
    assert world.status(ready) == "Deliverables Submitted"
    assert world.kinds(("portfolio", ready)) == ["write_copy", "design_graphics", "share_deliverables"]
    world.minutes(30)
    assert _effects(world, state="failed")[0].attempts == 1, "it is not tried again and again"
    world.sweep()
    assert _effects(world, state="failed")[0].attempts == 2
    world.people.set_rules()
    world.sweep()
    assert world.status(ready) == "Creatives Pending Approval"
    assert world.kinds(("portfolio", ready)) == ["write_copy", "design_graphics", "share_deliverables"]
    assert _effects(world, state="failed") == []
    assert busy_day.unsettled(world) == []


@pytest.mark.parametrize("whole", [False, True])
def test_a_task_that_a_rule_refuses(make_world: MakeWorld, whole: bool) -> None:
    from sync.sandbox.quirks import Quirks

    world = make_world(quirks=Quirks(create_partial_failure="never" if whole else "trace"))
    rule = {"name": "No Bolt", "type": "task", "property": "hs_task_subject", "pattern": "(?!.*Bolt).*"}
    world.people.set_rules(rule)
    for name in ("Acme", "Bolt", "Corp"):
        world.people.create_portfolio(name, world.day(10))
    assert world.work().failed == 1
    assert [task.subject.rsplit(" ", 1)[1] for task in world.tasks()] == ["Acme", "Corp"]
    assert len(world.emails()) == 3, "the email of the same occurrence goes ahead"
    world.people.set_rules()
    world.sweep()
    assert len(world.tasks()) == 3
    assert len(world.emails()) == 3


def test_a_closing_that_a_rule_refuses(world: World) -> None:
    portfolio = world.people.create_portfolio("Acme", world.day(5))
    world.work()
    rule = {"name": "Stay open", "type": "task", "property": "hs_task_status", "pattern": "(?!COMPLETED).*"}
    world.people.set_rules(rule)
    world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(1)
    assert world.tasks()[0].open
    assert [row.kind for row in _effects(world, state="failed")] == ["close"]
    world.people.set_rules()
    world.sweep()
    assert not world.tasks()[0].open
    assert world.tasks()[0].body.count("Closed automatically") == 1


def test_what_was_refused_for_its_owner_goes_to_the_next(make_world: MakeWorld) -> None:
    """The owner left between two looks at the list of owners; a sweep after the change asks who it is now."""
    from sync.sandbox.quirks import Quirks

    world = make_world(quirks=Quirks(reject_archived_owner=True))
    world.work()
    portfolio = world.people.create_portfolio("Acme", world.day(10))
    world.people.deactivate_owner(world.people.owner("account_manager"))
    world.work()
    assert [row.kind for row in _effects(world, state="failed")] == ["task"]
    second = world.people.owner("second_account_manager")
    world.people.set("portfolio", portfolio, {"account_manager": second})
    world.minutes(15)
    world.sweep()
    assert [task.owner for task in world.tasks()] == [second]


# Records that go while they are looked at


def _at(world: World, step: str, act: Callable[[], None], *, number: int = 0) -> None:
    """Do `act` once, at the n-th time that a pass reaches this step."""
    seen: list[str] = []

    def failpoint(reached: str) -> None:
        if reached == step:
            seen.append(step)
            if len(seen) == number + 1:
                act()

    world.failpoint = failpoint


STEPS = ("taken", "snapshot", "read", "planned", "reread", "claimed", "sent")


@pytest.mark.parametrize("step", STEPS)
def test_a_portfolio_is_deleted_in_mid_pass(world: World, step: str) -> None:
    acme = _ready(world, "Acme")
    _ready(world, "Bolt")
    _at(world, step, lambda: world.people.archive("portfolio", acme))
    world.work()
    world.minutes(5)
    world.next_day()
    assert world.status(world.people.portfolios()[0].id) == "Creatives Pending Approval", "the other is done"
    left = [one for one in busy_day.unsettled(world) if not one.startswith("4:")]
    assert left == [], "but for the tasks of a ticket that has nobody now"
    world.people.restore("portfolio", acme)
    world.minutes(5)
    world.next_day()
    assert world.status(acme) == "Creatives Pending Approval"
    tasks = [task for task in world.tasks(("portfolio", acme)) if "share" in task.key]
    assert len(tasks) == 1, "restored, it gets what it had not got, once"
    assert busy_day.unsettled(world) == []


@pytest.mark.parametrize("step", STEPS)
def test_a_ticket_is_deleted_in_mid_pass(world: World, step: str) -> None:
    acme = world.people.create_portfolio("Acme", world.day(40))
    tickets = [world.people.create_ticket(f"t{n}", "Autumn", acme) for n in range(2)]
    world.work()
    for ticket in tickets:
        world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    _at(world, step, lambda: world.people.archive("ticket", tickets[0]))
    world.minutes(1)
    world.minutes(5)
    world.next_day()
    kept = [task for task in world.tasks(("ticket", tickets[1])) if "revise" in task.key]
    assert len(kept) == 1
    assert busy_day.unsettled(world) == []


@pytest.mark.parametrize("step", STEPS)
def test_a_portfolio_is_merged_in_mid_pass(world: World, step: str) -> None:
    """docs/process.md M.6, M.7: each set is announced once, by whichever id that was begun."""
    acme, bolt = _ready(world, "Acme"), _ready(world, "Bolt")

    def merge() -> None:
        world.people.merge("portfolio", acme, bolt)

    _at(world, step, merge)
    world.work()
    world.minutes(5)
    world.next_day()
    assert world.status(acme) == "Creatives Pending Approval"
    assert busy_day.unsettled(world) == []
    assert [row for row in _rows(world) if row.id == bolt] == []


def test_a_date_that_the_primary_takes_over_after_the_merge_is_a_date_of_its_own(world: World) -> None:
    """The other one's kickoff was for another date than the primary had (docs/process.md M.10)."""
    acme, bolt = (
        world.people.create_portfolio("Acme", world.day(40)),
        world.people.create_portfolio("Bolt", world.day(10)),
    )
    world.work()
    assert world.kinds() == ["kickoff"]
    world.minutes(1)
    world.people.merge("portfolio", acme, bolt)
    world.people.set_refresh_date(acme, world.day(10))
    world.minutes(5)
    assert world.kinds() == ["kickoff", "kickoff"]
    world.next_day()
    assert world.kinds() == ["kickoff", "kickoff"]


def test_what_waits_for_a_person_on_a_deleted_portfolio_counts_no_more(world: World) -> None:
    acme = world.people.create_portfolio("Acme", world.day(10), account_manager=None)
    world.work()
    assert len(_effects(world, state="blocked")) == 2
    world.people.archive("portfolio", acme)
    world.minutes(1)
    assert busy_day.unsettled(world) == []
    assert _rows(world) == [], "and no sweep brings it back"
    world.next_day()
    assert _rows(world) == []
    world.people.restore("portfolio", acme)
    world.people.set("portfolio", acme, {"account_manager": world.people.owner("account_manager")})
    world.minutes(1)
    assert world.kinds() == ["kickoff"]
    assert world.receivers() == ["account_manager"]


# Tickets that leave


def test_a_ticket_that_left_its_portfolio_is_still_looked_after(world: World) -> None:
    """Its own owners revise it then; events about it no longer lead to the portfolio that it was on (docs/process.md M.3)."""
    acme = world.people.create_portfolio("Acme", world.day(40))
    ticket = world.people.create_ticket("lone", "Autumn", acme, copywriter=world.people.owner("copywriter"))
    world.work()
    world.people.dissociate("ticket", ticket, "portfolio", acme)
    world.minutes(1)
    world.people.request_revisions(ticket, "Copy Revisions Only", note="Warmer, please")
    world.minutes(1)
    assert world.kinds(("ticket", ticket)) == ["write_copy", "design_graphics", "revise_copy"]


def test_a_ticket_whose_leaving_nobody_told_is_found_by_the_sweep(make_world: MakeWorld) -> None:
    """No webhook and no change of a property: only the portfolio shows that it is not there any more."""
    world = make_world(webhooks=False)
    acme, bolt = (world.people.create_portfolio(name, world.day(5)) for name in ("Acme", "Bolt"))
    ticket = world.people.create_ticket("moved", "Autumn", acme, stage="Pending Approval", copywriter="")
    world.people.set_status(bolt, "Deliverables Submitted")
    world.work()
    world.people.associate("ticket", ticket, "portfolio", bolt)
    world.people.dissociate("ticket", ticket, "portfolio", acme)
    world.next_day()
    world.minutes(1)
    assert "share_deliverables" in world.kinds(("portfolio", bolt))
    assert "share_deliverables" not in world.kinds(("portfolio", acme))


# A record that cannot be understood


def test_a_record_that_cannot_be_understood_is_parked_alone(world: World) -> None:
    odd = world.people.create_portfolio("Odd", world.day(40))
    world.people.create_ticket("odd", "Autumn", odd)
    world.work()
    portfolios = world.sandbox.process.names.object_type_id
    portal = world.sandbox.portal
    record = portal.get(portfolios, int(odd))
    record.put({"creative_refresh_date": "soon"}, portal.now_ms(), Actor.app(1), None)
    world.people.set("portfolio", odd, {"name": "Odder"})
    fine = world.people.create_ticket("fine", "Autumn", world.people.create_portfolio("Fine", world.day(40)))
    tally = world.work()
    assert tally.errors == 1
    assert len(world.tasks(("ticket", fine))) == 2
    for _ in range(30):
        world.minutes(61)
    (row,) = [row for row in _rows(world) if row.id == odd]
    assert row.parked_at is not None
    assert "which is no date" in row.error
    record.history["creative_refresh_date"].pop()
    world.people.set_refresh_date(odd, world.day(10))
    world.minutes(1)
    assert world.kinds(("portfolio", odd)) == ["write_copy", "design_graphics", "kickoff"]
    assert _rows(world) == []


def test_the_last_date_of_the_calendar(world: World) -> None:
    """No date follows the year 9999: that record alone waits for a person."""
    odd = world.people.create_portfolio("Odd", "9999-12-31")
    fine = world.people.create_portfolio("Fine", world.day(30))
    world.work()
    for portfolio in (odd, fine):
        world.people.set_status(portfolio, "No Refresh Requested")
    world.minutes(1)
    assert world.date(fine) > world.day(30).isoformat()
    assert world.date(odd) == "9999-12-31"
    world.people.set_refresh_date(odd, world.day(10))
    world.minutes(1)
    assert world.date(odd) > world.day(10).isoformat()


def test_one_poisonous_record_does_not_spoil_its_group(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of our own in one record, after the others have begun: theirs are neither lost nor repeated."""
    real = Texts.email

    def email(texts: Texts, kind: Any, variables: Any) -> tuple[str, str]:
        if variables["portfolio"]["name"] == "Odd":
            raise RuntimeError("a fault of ours")
        return real(texts, kind, variables)

    monkeypatch.setattr(Texts, "email", email)
    for name in ("Acme", "Odd", "Zinc"):
        world.people.create_portfolio(name, world.day(10))
    tally = world.work()
    assert tally.errors >= 1
    assert world.kinds() == ["kickoff"] * 3
    assert len(world.emails()) == 2
    (row,) = _rows(world)
    assert "a fault of ours" in row.error
    monkeypatch.undo()
    world.minutes(5)
    assert len(world.emails()) == 3
    assert len(world.tasks()) == 3


BROKEN_TEXT = """
tasks:
  kickoff: {subject: "Ask {{ portfolio.name }} {{ 100 // (portfolio.name | length - 2) }}"}
emails:
  kickoff: {subject: "Ask {{ portfolio.name }} {{ 100 // (portfolio.name | length - 2) }}"}
"""


def test_a_text_that_cannot_be_written_is_blocked_with_its_reason(make_world: MakeWorld) -> None:
    """The mapping's text divides by what is zero for one name alone (docs/process.md P.6)."""
    world = make_world(mapping=BROKEN_TEXT)
    for name in ("Io", "Cobalt"):
        world.people.create_portfolio(name, world.day(10))
    tally = world.work()
    assert tally.errors == 0
    assert [task.subject.split()[1] for task in world.tasks()] == ["Cobalt"]
    blocked = _effects(world, state="blocked")
    assert {row.kind for row in blocked} == {"task", "email"}
    assert all("cannot be rendered for this record" in row.reason for row in blocked)
    assert [row.id for row in _rows(world)], "it is looked at again"
    (world.directory / "mapping.yaml").write_text("{}", encoding="utf-8")
    world.restart()
    world.minutes(61)
    assert len(world.tasks()) == len(world.emails()) == 2


# Emails


def test_emails_wait_for_a_mailer(make_world: MakeWorld) -> None:
    """docs/process.md P.6."""
    world = make_world(email_url=None)
    world.people.create_portfolio("Acme", world.day(10))
    world.work()
    assert world.kinds() == ["kickoff"]
    assert [row.reason for row in _effects(world, state="blocked")] == ["EMAIL_URL is not set"]
    world.settings = world.settings.model_copy(update={"email_url": "hubspot:777"})
    world.restart()
    world.minutes(61)
    assert world.receivers() == ["account_manager"]
    assert world.kinds() == ["kickoff"]
    assert busy_day.unsettled(world) == []


def test_one_mailbox_that_is_full_keeps_nobody_else_waiting(make_world: MakeWorld) -> None:
    from sync.sandbox.mail import MailFault, SmtpSink

    with SmtpSink() as sink:
        world = make_world(email_url=sink.url, email_from="handoffs@agency.example")
        for n in range(3):
            world.people.create_portfolio(f"Client {n}", world.day(10))
        sink.fail(MailFault("rcpt", 452))
        tally = world.work()
        assert (tally.not_sent, len(sink.mails)) == (1, 2)
        world.minutes(3)
        assert len(sink.mails) == 3


def test_a_mail_server_that_is_down_is_not_asked_for_each_email(make_world: MakeWorld) -> None:
    from sync.sandbox.mail import MailFault, SmtpSink

    with SmtpSink() as sink:
        world = make_world(email_url=sink.url, email_from="handoffs@agency.example")
        for n in range(3):
            world.people.create_portfolio(f"Client {n}", world.day(10))
        sink.fail(MailFault("helo", 421, times=1))
        assert world.work().not_sent == 1
        assert sink.mails == []
        world.minutes(3)
        assert len(sink.mails) == 3


def test_an_email_that_may_have_been_sent_is_sent_again_under_the_same_name(make_world: MakeWorld) -> None:
    from sync.sandbox.mail import MailFault, SmtpSink

    with SmtpSink(deduplicate=True) as sink:
        world = make_world(email_url=sink.url, email_from="handoffs@agency.example")
        world.people.create_portfolio("Acme", world.day(10))
        sink.fail(MailFault("end"))
        assert world.work().unknown == 1
        world.minutes(3)
        assert len(sink.mails) == 1
        assert list(sink.attempts.values()) == [2]
        assert busy_day.unsettled(world) == []
