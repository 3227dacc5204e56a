"""Texts of tasks and emails call everything as people see it in this portal (docs/process.md F.7)."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from mappings.load import load
from mappings.vocabulary import EmailKind, Role, TaskKind
from mappings.words import KEYS, words_of
from sync.sandbox.schema import TICKET, Pipeline, Property
from tests.conftest import MakeWorld
from tests.story.handoffs.steps import begun, the, with_tickets
from tests.story.handoffs.test_whole_cycle import CYCLE_KINDS, live_through_a_cycle
from tests.terminal import Terminal
from tests.unit.check.report import WARNING, checked
from tests.world import World

OLD = words_of(load())
ROLES = {Role.ACCOUNT_MANAGER: "Kundenberatung", Role.SOCIAL_AD_SPECIALIST: "Anzeigenteam", Role.COPYWRITER: "Text"}
MAPPING = """\
ticket: {pipeline: '880001', in_progress: '880012', pending_approval: '880013'}
roles:
  account_manager: {label: Kundenberatung}
  social_ad_specialist: {label: Anzeigenteam}
  copywriter: {label: Texterin}
  graphic_designer: {label: Grafikerin}
"""


def new(label: str) -> str:
    return f"Neu{sum(map(ord, label))} & mehr"


def relabelled(one: Property) -> Property:
    return replace(one, label=new(one.label), options=tuple((value, new(label)) for value, label in one.options))


def relabel(world: World) -> None:
    """Give everything in the portal another label; internal names and values stay."""
    portal = world.sandbox.portal
    for name, known in portal.types.items():
        if known.custom or name == TICKET:
            known.properties.update({one.name: relabelled(one) for one in known.properties.values()})
        if known.custom:
            known.label = new(known.label)
    for one in list(portal.pipelines[TICKET].values()):
        stages = tuple(replace(stage, label=new(stage.label)) for stage in one.stages)
        portal.define_pipeline(TICKET, Pipeline(one.id, one.label, stages))


def texts(world: World) -> str:
    people = world.people
    tasks = [f"{task.subject}\n{task.body}" for task in world.tasks()]
    return "\n".join([*tasks, *(f"{one.properties['subject']}\n{one.properties['body']}" for one in people.emails())])


def seen_in(text: str, words: list[str]) -> list[str]:
    plain = " ".join(re.sub(r"<[^>]+>", "", text).replace("&amp;", "&").split())
    return [word for word in words if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", plain)]


@pytest.fixture
def portal(make_world: MakeWorld) -> World:
    world = make_world(mapping=MAPPING)
    relabel(world)
    return world


def test_no_text_of_a_cycle_has_an_old_word(portal: World) -> None:
    live_through_a_cycle(portal)
    assert portal.kinds() == CYCLE_KINDS
    told = texts(portal)
    assert seen_in(told, list(OLD.values())) == []
    fields = ("status", "ad_lab_link", "needs_revisions", "copy_approval", "pending_approval", "portfolio", "approved")
    statuses = ("no_refresh_requested", "deliverables_submitted", "creatives_approved", "creatives_implemented")
    revisions = ("copy_revisions", "graphic_revisions", "copy_and_graphic_revisions")
    wanted = [new(OLD[key]) for key in (*fields, *statuses, *revisions)]
    assert seen_in(told, wanted) == wanted
    assert seen_in(told, ["Kundenberatung", "Anzeigenteam"]) == ["Kundenberatung", "Anzeigenteam"]


def test_no_reason_has_an_old_word(portal: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a ticket that only has to be moved, of one that is being revised, and of one without a folder."""
    people, portfolio = portal.people, begun(portal)
    moved, revised, _without = [*with_tickets(portal, portfolio, 2), *with_tickets(portal, portfolio, 1, folder="")]
    for ticket in (moved, revised):
        people.move_ticket(ticket, "In Progress")
    people.set("ticket", moved, {"copy_approval": "Approved", "graphic_approval": "Approved"})
    portal.work()
    terminal = Terminal(portal, monkeypatch)
    told = str(terminal.json("explain", portfolio))
    people.request_revisions(revised, "Copy and Graphic Revisions")
    portal.work()
    portal.minutes(5)
    told += str(terminal.json("explain", portfolio)) + terminal.run("explain", portfolio).stdout
    told = re.sub(r"'(write|changes|wait|cause)': \{[^{}]*\}", "", told)
    assert seen_in(told, [word for key, word in OLD.items() if key not in {role.value for role in Role}]) == []
    wanted = [f"both approvals are “{new('Approved')}”", f"“{new('Copy and Graphic Revisions')}” was asked for"]
    assert [one for one in wanted if one not in told] == []


def test_status_calls_those_who_are_late_as_the_mapping_does(portal: World, monkeypatch: pytest.MonkeyPatch) -> None:
    portal.people.create_portfolio("Acme", portal.day(10))
    portal.work()
    portal.next_day(6)
    assert "1 stuck: 1 with the Kundenberatung" in Terminal(portal, monkeypatch).run("status").stdout


def test_a_label_changed_in_the_portal_is_in_the_next_text(make_world: MakeWorld) -> None:
    world = make_world(mapping=MAPPING)
    portfolio = begun(world)
    assert "set Creative Refresh Status to “Refresh Request Submitted”" in the(world, "kickoff").body
    relabel(world)
    world.clock.advance(timedelta(hours=2))
    with_tickets(world, portfolio, 1)
    told = the(world, "write_copy").body.replace("&amp;", "&")
    assert "move the ticket to " + new("Pending Approval") in told
    assert "take your " + new("Copy Approval") in told


def test_the_closing_line_has_the_portals_words_too(make_world: MakeWorld) -> None:
    world = make_world(mapping='closing_line: "<p>{{ words.no_refresh_requested }}: {{ reason }}</p>"\n' + MAPPING)
    relabel(world)
    portfolio = world.people.create_portfolio("Acme", world.day(9))
    world.work()
    world.people.set_status(portfolio, "No Refresh Requested")
    world.work()
    world.minutes(5)
    assert new("No Refresh Requested").replace("&", "&amp;") in the(world, "kickoff").body


def test_a_portal_that_tells_no_label_is_spoken_of_in_the_mappings_words(world: World) -> None:
    portal = world.sandbox.portal
    for known in portal.types.values():
        if known.custom:
            known.label = ""
    begun(world)
    assert "log their requirements as a Note on the Creative Portfolio" in the(world, "kickoff").body


def test_every_word_is_one_of_the_portal_or_of_the_roles(portal: World) -> None:
    words = portal.service.portals.get().words
    assert set(words) == set(KEYS) == set(OLD)
    assert words["status"] == new("Creative Refresh Status")


class TestCheck:
    """An own text that goes on with a word that nobody in the portal sees."""

    def findings(self, world: World) -> list[tuple[str, str, str]]:
        found = [one for one in checked(world).misfits if one.severity is WARNING and "says" in one.problem]
        return [(one.where.rpartition(" ")[2], one.problem, one.remedy) for one in found]

    def test_an_old_word_in_an_own_text(self, make_world: MakeWorld) -> None:
        own = "tasks: {kickoff: {body: 'Ask, then set it to “No\n  Refresh Requested” in the review.'}}\n"
        mail = "emails: {date_arrived: {subject: 'Social Ad Specialist: {{ portfolio.name }}', body: 'Now'}}\n"
        world = make_world(mapping=MAPPING + own + mail)
        relabel(world)
        assert self.findings(world) == [
            (
                "tasks.kickoff.body",
                f"says “No Refresh Requested”, which people here see as “{new('No Refresh Requested')}”",
                "write {{ words.no_refresh_requested }}, which is always the word that they see",
            ),
            (
                "emails.date_arrived.subject",
                "says “Social Ad Specialist”, which people here see as “Anzeigenteam”",
                "write {{ words.social_ad_specialist }}, which is always the word that they see",
            ),
        ]

    def test_nothing_where_the_words_are_right(self, make_world: MakeWorld) -> None:
        own = "tasks: {kickoff: {body: 'Set it to “No Refresh Requested”, {{ words.status }} on the portfolio.'}}\n"
        assert self.findings(make_world(mapping=own)) == []

    def test_the_packaged_texts_are_no_finding(self, portal: World) -> None:
        assert self.findings(portal) == []

    def test_a_longer_word_that_holds_a_shorter_one(self, make_world: MakeWorld) -> None:
        own = "ticket: {pending_approval: New}\ntasks: {kickoff: {body: 'Not “Creatives Pending Approval”.'}}\n"
        assert self.findings(make_world(mapping=own)) == []


def test_a_word_that_does_not_exist_is_told_with_the_near_one(make_world: MakeWorld) -> None:
    with pytest.raises(Exception, match=r"`words` has no `statsu`: did you mean `status`\?"):
        make_world(mapping="tasks: {kickoff: {body: 'Set {{ words.statsu }}'}}\n")


def test_every_packaged_text_leaves_the_words_to_the_portal() -> None:
    mapping = load()
    sources = {f"tasks.{kind}": mapping.tasks[kind].body for kind in TaskKind}
    sources |= {f"emails.{kind}": mapping.emails[kind].body for kind in EmailKind}
    sources |= {"notes_line": mapping.notes_line, "closing_line": mapping.closing_line}
    for name, source in sources.items():
        assert seen_in(source, list(OLD.values())) == [], name
