"""People come, leave and come back while the service runs (docs/process.md P.7 to P.10)."""

from datetime import timedelta

from sync.admin.explain import explain
from sync.observe import health
from sync.passes.portal import OWNERS_FOR
from sync.sandbox.faults import Fault
from sync.sandbox.quirks import Quirks
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import begun, on, the, with_tickets
from tests.world import World


def owner_lists(world: World) -> int:
    """How often the list of active owners was asked for."""
    return world.sandbox.log.counts().get("GET /crm/owners/2026-09", 0)


def explained(world: World, portfolio: str) -> str:
    return str(explain(world.service.reading, portfolio).as_json())


class TestSomebodyNew:
    def test_named_on_a_ticket_gets_its_work(self, world: World) -> None:
        """Seen: for ten minutes a new colleague was unknown, and the portfolio's copywriter got the work, for good."""
        portfolio = begun(world)
        nina = world.people.add_owner("Nina", "Newcomer")
        ticket = world.people.create_ticket("Ad 1", "Winter", portfolio, copywriter=nina)
        world.work()
        assert the(world, "write_copy", ("ticket", ticket)).owner == nina

    def test_named_in_a_revision_gets_it(self, world: World) -> None:
        (ticket,) = with_tickets(world, begun(world), 1)
        nina = world.people.add_owner("Nina", "Newcomer")
        world.people.set("ticket", ticket, {"graphic_designer": nina})
        world.people.request_revisions(ticket, "Graphic Revisions Only", note="More blue")
        world.work()
        assert the(world, "revise_graphics", ("ticket", ticket)).owner == nina

    def test_named_on_a_portfolio_gets_task_and_email(self, world: World) -> None:
        world.work()
        nina = world.people.add_owner("Nina", "Newcomer")
        portfolio = world.people.create_portfolio("Acme", world.day(10), account_manager=nina)
        world.work()
        assert the(world, "kickoff", on(portfolio)).owner == nina
        assert world.receivers() == ["nina.newcomer@agency.example"]

    def test_who_leaves_a_note_is_named_with_it(self, world: World) -> None:
        portfolio = world.people.create_portfolio("Acme", world.day(1))
        world.work()
        nina = world.people.add_owner("Nina", "Newcomer")
        world.people.note("portfolio", portfolio, "More autumn", by=nina)
        world.people.set_refresh_date(portfolio, world.day(0))
        world.work()
        assert "Nina Newcomer" in the(world, "create_tickets", on(portfolio)).body

    def test_who_leaves_a_note_without_an_owner_is_named_with_it(self, make_world: MakeWorld) -> None:
        world = make_world(quirks=Quirks(notes_have_owners=False))
        self.test_who_leaves_a_note_is_named_with_it(world)

    def test_nothing_is_decided_for_them_while_people_cannot_be_read(self, world: World) -> None:
        portfolio = begun(world)
        nina = world.people.add_owner("Nina", "Newcomer")
        world.sandbox.faults.add(Fault("503", "GET /crm/owners/*"))
        ticket = world.people.create_ticket("Ad 1", "Winter", portfolio, copywriter=nina)
        other = world.people.create_portfolio("Others go on", world.day(3))
        world.work()
        assert world.tasks(("ticket", ticket)) == []
        assert world.kinds(on(other)) == ["kickoff"]
        world.sandbox.faults.clear()
        world.minutes(2)
        assert the(world, "write_copy", ("ticket", ticket)).owner == nina


class TestSomebodyBack:
    def test_is_known_to_be_back(self, world: World) -> None:
        portfolio = begun(world)
        designer = world.people.owner("second_designer")
        world.people.deactivate_owner(designer)
        world.clock.advance(OWNERS_FOR)
        world.people.note("portfolio", portfolio, "looked at")
        world.sweep()
        world.people.reactivate_owner(designer)
        ticket = world.people.create_ticket("Ad 1", "Winter", portfolio, graphic_designer=designer)
        world.minutes(1)
        assert the(world, "design_graphics", ("ticket", ticket)).owner == designer


class TestSomebodyWhoLeft:
    def test_is_not_asked_for_all_the_time(self, world: World) -> None:
        gone = world.people.owner("deactivated")
        for n in range(5):
            world.people.create_portfolio(f"Client {n}", world.day(10), account_manager=gone)
        world.work()
        before = owner_lists(world)
        for portfolio in world.people.portfolios():
            world.people.set_refresh_date(portfolio.id, world.day(9))
            world.work()
        assert owner_lists(world) - before <= 2

    def test_since_a_task_was_planned_gets_it_no_more(self, make_world: MakeWorld) -> None:
        """docs/process.md P.9: the CRM was down for a day between the decision and the task, and its owner left meanwhile."""
        world = make_world(quirks=Quirks(reject_archived_owner=True))
        self._left_meanwhile(world, Fault("503", "POST */tasks/batch/create"))
        assert [task.owner for task in world.tasks()] == [world.people.owner("second_account_manager")]
        assert world.receivers() == ["second_account_manager"]

    def test_since_an_email_was_planned_gets_it_no_more(self, world: World) -> None:
        """docs/process.md P.9."""
        self._left_meanwhile(world, Fault("503", "POST */single-email/send"))
        assert world.receivers() == ["second_account_manager"]

    def _left_meanwhile(self, world: World, fault: Fault) -> None:
        world.sandbox.faults.add(fault)
        portfolio = world.people.create_portfolio("Acme", world.day(10))
        world.work()
        world.people.deactivate_owner(world.people.owner("account_manager"))
        second = world.people.owner("second_account_manager")
        world.people.set("portfolio", portfolio, {"account_manager": second})
        world.sandbox.faults.clear()
        world.clock.advance(OWNERS_FOR + timedelta(minutes=5))
        world.minutes(5)
        world.next_day()

    def test_is_called_by_name(self, world: World) -> None:
        """Seen: “user 580004”: HubSpot tells of a deactivated owner's user in another field."""
        manager = world.people.owner("account_manager")
        portfolio = world.people.create_portfolio("Acme", world.day(20))
        world.people.set_status(portfolio, "Refresh Request Submitted", by=manager)
        world.work()
        world.people.deactivate_owner(manager)
        world.clock.advance(OWNERS_FOR)
        told = explain(world.service.reading, portfolio)
        said = [event.who for event in told.timeline]
        assert "Amelia Marsh" in said
        assert f"user {world.sandbox.process.users[manager]}" not in said


class TestWhoIsNamedAndHasLeft:
    """docs/process.md P.10: `status` names them, however far away the client's date."""

    def test_on_a_portfolio(self, make_world: MakeWorld) -> None:
        world = make_world(
            webhooks=False, mapping="roles: {account_manager: {fallback_owner: arthur.mills@agency.example}}"
        )
        portfolio, other = (world.people.create_portfolio(name, world.day(90)) for name in ("Acme", "Bolt"))
        second = world.people.owner("second_account_manager")
        world.people.set("portfolio", other, {"account_manager": second})
        self._pass_half_an_hour(world)
        assert self._told(world) == []
        world.people.deactivate_owner(world.people.owner("account_manager"))
        self._pass_half_an_hour(world)
        assert self._told(world) == [
            f"people are named who do not work here: Acme (portfolio {portfolio}): Account Manager: Amelia Marsh is "
            "deactivated; Arthur Mills gets the work. Name somebody in “account_manager” of the portfolio"
        ]
        world.people.set("portfolio", portfolio, {"account_manager": second})
        self._pass_half_an_hour(world)
        assert self._told(world) == []

    def test_on_a_ticket_that_they_have_had(self, make_world: MakeWorld) -> None:
        world = make_world(webhooks=False)
        portfolio = world.people.create_portfolio("Acme", world.day(90))
        second = world.people.owner("second_account_manager")
        ticket = world.people.create_ticket("Ad 1", "Winter", portfolio, copywriter=second)
        self._pass_half_an_hour(world)
        assert self._told(world) == []
        world.people.deactivate_owner(second)
        self._pass_half_an_hour(world)
        (told,) = self._told(world)
        assert f"Name somebody in “copywriter” of ticket {ticket}" in told

    def test_on_a_ticket_and_back_again(self, make_world: MakeWorld) -> None:
        world = make_world(webhooks=False)
        portfolio = world.people.create_portfolio("Acme", world.day(90))
        gone = world.people.owner("deactivated")
        ticket = world.people.create_ticket("Ad 1", "Winter", portfolio, copywriter=gone)
        self._pass_half_an_hour(world)
        (told,) = self._told(world)
        assert f"Name somebody in “copywriter” of ticket {ticket}" in told
        world.people.reactivate_owner(gone)
        self._pass_half_an_hour(world)
        assert self._told(world) == []

    def test_in_the_mapping(self, make_world: MakeWorld) -> None:
        world = make_world(webhooks=False, mapping="roles: {copywriter: {fallback_owner: nobody@agency.example}}")
        self._pass_half_an_hour(world)
        assert self._told(world) == [
            "Copywriter: the stand-in nobody@agency.example does not work here. Name another in "
            "roles.copywriter.fallback_owner of the mapping"
        ]

    def _pass_half_an_hour(self, world: World) -> None:
        for _ in range(3):
            world.minutes(10)

    def _told(self, world: World) -> list[str]:
        found = health.look(world.service.store, world.clock.now(), world.settings)
        assert not any(one.stops_work for one in found if "work here" in one.text)
        return [one.text for one in found if "work here" in one.text]


class TestSeveralInOneProperty:
    """docs/process.md P.8: HubSpot's user properties may hold several people."""

    def test_are_nobody_for_sure(self, world: World) -> None:
        two = ";".join((world.people.owner("account_manager"), world.people.owner("second_account_manager")))
        world.people.redefine_property("portfolio", "account_manager", field_type="checkbox")
        portfolio = world.people.create_portfolio("Acme", world.day(10), account_manager=two)
        world.work()
        assert world.tasks(on(portfolio)) == []
        assert "Account Manager: Amelia Marsh, Arthur Mills are named at once" in explained(world, portfolio)
        world.people.set("portfolio", portfolio, {"account_manager": world.people.owner("second_account_manager")})
        world.work()
        assert the(world, "kickoff", on(portfolio)).owner == world.people.owner("second_account_manager")

    def test_of_whom_one_works_here_are_that_one(self, world: World) -> None:
        two = ";".join((world.people.owner("deactivated"), world.people.owner("second_account_manager")))
        world.people.redefine_property("portfolio", "account_manager", field_type="checkbox")
        portfolio = world.people.create_portfolio("Acme", world.day(10), account_manager=two)
        world.work()
        assert the(world, "kickoff", on(portfolio)).owner == world.people.owner("second_account_manager")

    def test_on_a_ticket_do_not_pass_it_to_the_portfolios(self, world: World) -> None:
        portfolio = begun(world)
        world.people.redefine_property("ticket", "copywriter", field_type="checkbox")
        two = ";".join((world.people.owner("second_designer"), world.people.owner("second_account_manager")))
        ticket = world.people.create_ticket("Ad 1", "Winter", portfolio, copywriter=two)
        world.work()
        assert world.kinds(("ticket", ticket)) == ["design_graphics"]


class TestAQueue:
    def test_gets_the_task_and_the_email_is_blocked(self, world: World) -> None:
        queue = world.people.add_owner("Support", "queue", queue=True)
        portfolio = world.people.create_portfolio("Acme", world.day(10), account_manager=queue)
        world.work()
        assert the(world, "kickoff", on(portfolio)).owner == queue
        assert world.emails() == []
        assert "Support queue" in explained(world, portfolio)
