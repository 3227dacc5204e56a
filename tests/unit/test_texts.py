"""The texts: what each says, that nothing foreign acts in them, and how subjects are known again."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappings.load import MappingError, load
from mappings.rehearsal import FULL, sparse
from mappings.richtext import plain_text
from mappings.schema import ProcessMapping
from mappings.texts import BLANK, EMAIL_READER, LONGEST_SUBJECT, TASK_READER, Texts, one_line
from mappings.vocabulary import EmailKind, TaskKind

PORTFOLIO = {"id": "1", "name": "Acme & Sons", "url": "https://app.hubspot.com/p/1"}
TICKET = {"id": "2", "subject": "Hero <video>", "folder": "Autumn", "url": "https://app.hubspot.com/t/2"}
NOTE = {
    "body": "<div><p>Use the <b>new</b> logo.</p><p>No red.</p></div>",
    "at": "2026-11-21T02:30:00+00:00",
    "url": "https://app.hubspot.com/n/3",
}


NOTES: list[dict[str, object]] = [
    {
        "body": "Use the new logo.\nNo <red>.",
        "at": "2026-11-21T02:30:00+00:00",
        "url": "https://app.hubspot.com/n/3",
        "author": "Amelia Marsh",
        "account_manager": True,
        "files": 0,
    },
    {
        "body": "",
        "at": "2026-11-21T17:00:00+00:00",
        "url": "https://app.hubspot.com/n/6",
        "author": "Cora Lane",
        "account_manager": False,
        "files": 2,
    },
]


@pytest.fixture(scope="module")
def mapping() -> ProcessMapping:
    return load()


@pytest.fixture(scope="module")
def texts(mapping: ProcessMapping) -> Texts:
    return Texts(mapping)


def variables(**more: object) -> dict[str, Any]:
    return {
        "portfolio": PORTFOLIO,
        "today": "2026-11-22",
        "refresh_date": "2026-12-07",
        "days_until": 15,
        "unconfirmed": False,
        "account_manager": "",
        "note": None,
        "notes": [],
        "notes_more": 0,
        "notes_since": None,
        "notes_only_older": False,
        "ticket": None,
        "tickets": [],
        "unfinished": [],
        "after_approval": [],
        "announcement": None,
        "fresh": [],
        "no_folder": [],
        "other_sets": [],
        "folder": "",
        "ad_lab_link": "",
        "ad_lab_link_since": None,
        "ad_lab_link_old": False,
        "round": 0,
        "next_date": None,
        "revision": "",
        "reason": "",
    } | more


def words(html: str) -> str:
    """What a reader of the HTML sees, on one line."""
    return " ".join(plain_text(html).split())


# --- what they say ---------------------------------------------------------------------------------------------------


def test_the_kickoff_names_the_date_and_both_ways_on(texts: Texts) -> None:
    subject, body = texts.task(TaskKind.KICKOFF, variables())
    assert subject == "Contact Client About Creative Refresh: Acme & Sons"
    assert '<a href="https://app.hubspot.com/p/1">Acme &amp; Sons</a>' in body
    for said in ("Mon 7 Dec 2026", "in 15 days", "Note", "“Refresh Request Submitted”", "“No Refresh Requested”"):
        assert said in words(body)
    subject, email = texts.email(EmailKind.KICKOFF, variables(days_until=-2))
    assert "Acme & Sons" in subject
    assert "was planned for Mon 7 Dec 2026 (2 days ago)" in email


def test_the_specialist_gets_the_notes_each_with_its_author_time_and_link(texts: Texts) -> None:
    """docs/process.md 2b.8 and 3.13."""
    _, body = texts.task(TaskKind.CREATE_TICKETS, variables(notes=NOTES))
    # in the mapping's zone; in UTC it is the 21st
    assert "<strong>Amelia Marsh (Account Manager), Fri 20 Nov 2026, 21:30</strong>" in body
    assert "<blockquote>Use the new logo.<br>No &lt;red&gt;.</blockquote>" in body
    assert '<a href="https://app.hubspot.com/n/3">Open the Note</a></p>' in body
    assert "<strong>Cora Lane, Sat 21 Nov 2026, 12:00</strong>" in body
    assert "(No text, only files.)" in body
    assert '<a href="https://app.hubspot.com/n/6">Open the Note</a>: 2 files are attached' in body
    assert "“Deliverables Submitted”" in body
    _, email = texts.email(EmailKind.DATE_ARRIVED, variables(notes=NOTES))
    assert "Amelia Marsh (Account Manager), Fri 20 Nov 2026, 21:30:\n\n> Use the new logo.\n> No <red>.\n" in email
    assert "\nOpen the Note: https://app.hubspot.com/n/3\n" in email
    assert (
        "> (No text, only files.)\n\n(2 files are attached.)\n\nOpen the Note: https://app.hubspot.com/n/6\n" in email
    )
    for told in (words(body), email):
        assert "No Note was left" not in told
        assert "not quoted" not in told


@pytest.mark.parametrize(
    ("more", "said"), [(1, "One more Note is not quoted here"), (7, "7 more Notes are not quoted")]
)
def test_how_many_notes_more_there_are_is_said_with_the_link(texts: Texts, more: int, said: str) -> None:
    """docs/process.md 2b.7."""
    values = variables(notes=NOTES, notes_more=more, ticket=TICKET)
    for kind in (TaskKind.CREATE_TICKETS, TaskKind.WRITE_COPY, TaskKind.DESIGN_GRAPHICS):
        _, body = texts.task(kind, values)
        assert said in body
        assert '<a href="https://app.hubspot.com/p/1">open the Creative Portfolio</a>' in body
    assert said in texts.email(EmailKind.DATE_ARRIVED, values)[1]


def test_a_note_from_nobody_known_and_one_of_the_account_manager_without_a_name(texts: Texts) -> None:
    notes = [NOTES[0] | {"author": ""}, NOTES[1] | {"author": "", "body": ""} | {"files": 0}]
    body = words(texts.task(TaskKind.CREATE_TICKETS, variables(notes=notes))[1])
    assert "The Account Manager, Fri 20 Nov 2026, 21:30:" in body
    assert "A Note, Sat 21 Nov 2026, 12:00: (This Note has no text: please open it.)" in body


def test_or_is_told_that_there_is_none(texts: Texts) -> None:
    """docs/process.md 2b.9."""
    since = {"notes_since": "2026-11-02T05:00:00+00:00"}
    for values, said in (
        (variables(), "No Note was left on the Creative Portfolio in this cycle."),
        (variables(**since), "No Note was left on the Creative Portfolio since Mon 2 Nov 2026."),
        (
            variables(**since, notes_only_older=True),
            "No Note was left on the Creative Portfolio since Mon 2 Nov 2026: there are only older ones.",
        ),
    ):
        assert f"{said} Please ask the Account Manager" in words(texts.task(TaskKind.CREATE_TICKETS, values)[1])
        email = " ".join(texts.email(EmailKind.DATE_ARRIVED, values)[1].split())
        assert f"{said} Please ask the Account Manager" in email


@pytest.mark.parametrize("kind", [TaskKind.WRITE_COPY, TaskKind.DESIGN_GRAPHICS])
def test_the_creative_team_gets_the_notes_too(texts: Texts, kind: TaskKind) -> None:
    """docs/process.md 4.14."""
    values = variables(ticket=TICKET, account_manager="Amelia Marsh", notes_since="2026-11-02T05:00:00+00:00")
    body = words(texts.task(kind, values | {"notes": NOTES})[1])
    assert "Amelia Marsh (Account Manager), Fri 20 Nov 2026, 21:30: Use the new logo. No <red>. Open the Note" in body
    body = words(texts.task(kind, values | {"notes_only_older": True})[1])
    assert "No Note was left on the Creative Portfolio since Mon 2 Nov 2026: there are only older ones." in body
    assert "If the ticket does not say what the client wants, please ask the Account Manager (Amelia Marsh)." in body
    assert "No Note" not in texts.task(kind, variables(ticket=TICKET))[1]  # decided by 0.2, which did not look


@pytest.mark.parametrize(
    ("name", "asked"), [("", "the Account Manager"), ("Amelia <Marsh>", "the Account Manager (Amelia <Marsh>)")]
)
def test_a_yes_that_is_not_noted_is_said_plainly_and_whom_to_ask(texts: Texts, name: str, asked: str) -> None:
    """docs/process.md 3.12."""
    for note in (None, NOTE):
        values = variables(unconfirmed=True, account_manager=name, note=note)
        told = words(texts.task(TaskKind.CREATE_TICKETS, values)[1])
        assert "The client’s yes is not noted: " in told
        assert f"please ask {asked} whether the client wants this refresh" in told
        email = " ".join(texts.email(EmailKind.DATE_ARRIVED, values)[1].split())
        assert "THE CLIENT'S YES IS NOT NOTED: " in email
        assert f"please ask {asked} whether the client wants this refresh" in email
        assert (f"ask {asked} what the client wants" in told) is (note is None)
        assert (f"ask {asked} what the client wants" in email) is (note is None)


def test_nothing_is_said_of_a_yes_that_is_noted(texts: Texts) -> None:
    values = variables(account_manager="Amelia Marsh", note=NOTE)
    for text in (texts.task(TaskKind.CREATE_TICKETS, values)[1], texts.email(EmailKind.DATE_ARRIVED, values)[1]):
        assert "not noted" not in text.lower()
        assert "Amelia" not in text


def test_a_note_of_pictures_only_is_still_quoted(texts: Texts) -> None:
    _, body = texts.task(TaskKind.CREATE_TICKETS, variables(note=NOTE | {"body": "<p> </p>"}))
    assert "This Note has no text: please open it." in body


@pytest.mark.parametrize("kind", [TaskKind.WRITE_COPY, TaskKind.DESIGN_GRAPHICS])
def test_the_creative_team_gets_the_ticket(texts: Texts, kind: TaskKind) -> None:
    subject, body = texts.task(kind, variables(ticket=TICKET))
    assert subject.endswith(": Hero <video>")
    assert '<a href="https://app.hubspot.com/t/2">Hero &lt;video&gt;</a>' in body
    assert "Deliverable folder: Autumn" in body
    _, body = texts.task(kind, variables(ticket=TICKET | {"folder": ""}))
    assert "no Deliverable Folder Name" in words(body)


def test_the_set_to_share_names_its_tickets_and_the_link(texts: Texts) -> None:
    tickets = [TICKET, {"id": "4", "subject": "", "url": ""}]
    values = variables(tickets=tickets, folder="Autumn", ad_lab_link="https://adlab.example/acme?a=1&b=2")
    _, body = texts.task(TaskKind.SHARE_DELIVERABLES, values)
    assert '<li><a href="https://app.hubspot.com/t/2">Hero &lt;video&gt;</a></li>' in body
    assert "<li>Ticket 4</li>" in body
    assert '<a href="https://adlab.example/acme?a=1&amp;b=2">https://adlab.example/acme?a=1&amp;b=2</a>' in body
    assert "“Creatives Completed & Approved”" in words(body)
    for kind in (EmailKind.SET_READY_ACCOUNT_MANAGER, EmailKind.SET_READY_SOCIAL_AD_SPECIALIST):
        _, email = texts.email(kind, values)
        assert "- Hero <video>: https://app.hubspot.com/t/2\n- Ticket 4\n" in email
        assert "https://adlab.example/acme?a=1&b=2" in email


@pytest.mark.parametrize("link", ["", "   "])
def test_a_missing_link_is_said_plainly(texts: Texts, link: str) -> None:
    values = variables(tickets=[TICKET], folder="Autumn", ad_lab_link=link)
    _, body = texts.task(TaskKind.SHARE_DELIVERABLES, values)
    assert "The Most Recent Ad Lab Link is missing" in words(body)
    for kind in (EmailKind.SET_READY_ACCOUNT_MANAGER, EmailKind.SET_READY_SOCIAL_AD_SPECIALIST):
        assert "The Most Recent Ad Lab Link is missing" in texts.email(kind, values)[1]


def texts_with_the_link(texts: Texts, values: dict[str, Any]) -> list[str]:
    tasks = [words(texts.task(kind, values)[1]) for kind in (TaskKind.SHARE_DELIVERABLES, TaskKind.IMPLEMENT)]
    kinds = (
        EmailKind.SET_READY_ACCOUNT_MANAGER, EmailKind.SET_READY_SOCIAL_AD_SPECIALIST, EmailKind.CLIENT_APPROVED,
    )  # fmt: skip
    return [*tasks, *(texts.email(kind, values)[1] for kind in kinds)]


def test_the_link_is_given_with_its_day_and_its_age(texts: Texts) -> None:
    """docs/process.md 5.18."""
    values = variables(tickets=[TICKET], folder="Autumn", ad_lab_link="https://adlab.example/acme")
    fresh = values | {"ad_lab_link_since": "2026-11-21T02:30:00+00:00"}
    for told in texts_with_the_link(texts, fresh):
        # in the mapping's zone; in UTC it is the 21st
        assert "Ad Lab Link (last changed on Fri 20 Nov 2026): https://adlab.example/acme" in told
        assert "older than this refresh" not in told
    for told in texts_with_the_link(texts, fresh | {"ad_lab_link_old": True}):
        assert "The link is older than this refresh" in told
    for told in texts_with_the_link(texts, values):  # its history does not show since when it stands
        assert "Ad Lab Link: https://adlab.example/acme" in told
    live = texts.email(EmailKind.REFRESH_LIVE, fresh | {"next_date": "2027-01-07"})[1]
    assert "Ad Lab Link (last changed on Fri 20 Nov 2026): https://adlab.example/acme" in live
    assert "older than this refresh" not in live
    live = texts.email(EmailKind.REFRESH_LIVE, fresh | {"next_date": "2027-01-07", "ad_lab_link_old": True})[1]
    assert "The link is older than this refresh" in live


@pytest.mark.parametrize(
    "kind", [TaskKind.WRITE_COPY, TaskKind.DESIGN_GRAPHICS, TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS]
)
def test_the_creative_team_is_told_of_a_link_that_is_missing_or_old(texts: Texts, kind: TaskKind) -> None:
    """docs/process.md 5.18: but not of a portfolio that a ticket does not have."""
    values = variables(ticket=TICKET, revision="Copy")
    assert "up to date. It is missing." in words(texts.task(kind, values)[1])
    linked = values | {"ad_lab_link": "https://adlab.example/acme", "ad_lab_link_since": "2026-11-20T12:00:00+00:00"}
    assert "missing" not in texts.task(kind, linked)[1]
    old = words(texts.task(kind, linked | {"ad_lab_link_old": True})[1])
    assert "up to date. It was last changed on Fri 20 Nov 2026, before this refresh." in old
    assert "It is missing" not in texts.task(kind, values | {"portfolio": None})[1]


@pytest.mark.parametrize("kind", [TaskKind.REVISE_COPY, TaskKind.REVISE_GRAPHICS])
def test_a_revision_quotes_the_newest_note_on_the_ticket(texts: Texts, kind: TaskKind) -> None:
    values = variables(ticket=TICKET, note=NOTE, revision="Copy and Graphic Revisions")
    _, body = texts.task(kind, values)
    assert "Use the new logo.<br>No red." in body
    assert "(Copy and Graphic Revisions)" in body
    assert "straight to “Approved”" in body
    _, body = texts.task(kind, values | {"note": None})
    assert "No Note was left on the ticket." in words(body)


def test_a_ticket_without_a_portfolio_has_its_texts_too(texts: Texts) -> None:
    for portfolio in (None, {"id": "", "name": "", "url": ""}):
        _, body = texts.task(TaskKind.REVISE_COPY, variables(portfolio=portfolio, ticket=TICKET, revision="Copy"))
        assert "Hero <video> (https://app.hubspot.com/t/2) (Copy)." in words(body)


def test_the_implementation_task_is_called_exactly_so(texts: Texts) -> None:
    subject, body = texts.task(TaskKind.IMPLEMENT, variables(tickets=[TICKET]))
    assert subject == "Implement New Creatives for Refresh"
    assert "“Creatives Implemented”" in body
    assert "Hero <video>" in texts.email(EmailKind.CLIENT_APPROVED, variables(tickets=[TICKET]))[1]


def test_what_is_not_finished_is_named_apart(texts: Texts) -> None:
    """docs/process.md 7.11."""
    values = variables(tickets=[TICKET], unfinished=[{"id": "4", "subject": "Banner", "url": ""}])
    _, body = texts.task(TaskKind.IMPLEMENT, values)
    assert "Hero <video>" in words(body).partition("Not finished, so not to be published")[0]
    assert "Banner" in words(body).partition("Not finished, so not to be published")[2]
    _, email = texts.email(EmailKind.CLIENT_APPROVED, values)
    assert "To implement:\n\n- Hero <video>: https://app.hubspot.com/t/2\n\nNot finished" in email
    assert "(not in Pending Approval):\n\n- Banner\n\nThe Most Recent" in email
    for text in (words(body), email):
        assert "ask the Account Manager" not in text


def test_an_approval_without_a_ticket_to_publish_is_said_plainly(texts: Texts) -> None:
    values = variables(unfinished=[TICKET])
    for text in (texts.task(TaskKind.IMPLEMENT, values)[1], texts.email(EmailKind.CLIENT_APPROVED, values)[1]):
        assert "No ticket of this refresh is" in text
        assert "ask the Account Manager" in text


def test_the_confirmation_gives_the_next_date(texts: Texts) -> None:
    subject, email = texts.email(EmailKind.REFRESH_LIVE, variables(next_date="2027-01-07"))
    assert subject == "The new creatives of Acme & Sons are live"
    assert "are live." in email
    assert "Thu 7 Jan 2027" in email
    assert "The Most Recent Ad Lab Link is missing" in email


def test_the_confirmation_names_what_is_live_and_the_link(texts: Texts) -> None:
    """docs/process.md 9.7."""
    values = variables(next_date="2027-01-07", tickets=[TICKET], ad_lab_link="https://adlab.example/acme")
    _, email = texts.email(EmailKind.REFRESH_LIVE, values)
    assert "are live:\n\n- Hero <video>: https://app.hubspot.com/t/2\n\nMost Recent Ad Lab Link: https://adlab" in email
    assert "Not finished" not in email
    banner = {"id": "4", "subject": "Banner", "url": ""}
    _, email = texts.email(EmailKind.REFRESH_LIVE, values | {"unfinished": [banner]})
    assert "https://app.hubspot.com/t/2\n\nNot finished, so not among them:\n\n- Banner\n\nMost Recent" in email
    _, email = texts.email(EmailKind.REFRESH_LIVE, values | {"tickets": [], "unfinished": [banner]})
    assert "are live.\n\nNone of the tickets was finished:\n\n- Banner\n" in email


def test_the_confirmation_does_not_say_of_what_nobody_approved_that_it_is_live(texts: Texts) -> None:
    """docs/process.md 9.8."""
    banner = {"id": "4", "subject": "Banner", "url": ""}
    values = variables(next_date="2027-01-07", tickets=[TICKET, banner], after_approval=[banner])
    _, email = texts.email(EmailKind.REFRESH_LIVE, values)
    assert (
        "are live:\n\n- Hero <video>: https://app.hubspot.com/t/2\n\nReady only after the client had approved" in email
    )
    assert "ask the Social Ad Specialist\nwhether these are live, too.\n\n- Banner\n\n" in email
    _, email = texts.email(EmailKind.REFRESH_LIVE, values | {"tickets": [banner]})
    assert "are live.\n\nReady only after" in email


def test_the_closing_line_gives_the_reason(texts: Texts) -> None:
    line = texts.closing_line(variables(reason="the client <declined>"))
    assert line == "<p><em>Closed automatically on Sun 22 Nov 2026: the client &lt;declined&gt;</em></p>"


def test_the_reader_is_known_from_the_kind(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text("tasks: {implement: {body: 'For the {{ role }}'}}", encoding="utf-8")
    assert Texts(load(path)).task(TaskKind.IMPLEMENT, variables())[1] == "For the Social Ad Specialist"
    assert set(TASK_READER) == set(TaskKind)
    assert set(EMAIL_READER) == set(EmailKind)


def test_every_context_is_plain_json_and_of_one_shape() -> None:
    assert json.loads(json.dumps(FULL)) == FULL
    assert set(FULL) == set(BLANK) == set(variables()) | {"role"}


NEW_VARIABLES = (
    *("unfinished", "unconfirmed", "account_manager", "ad_lab_link_since", "ad_lab_link_old"),
    *("after_approval", "announcement", "fresh", "no_folder", "other_sets"),
    *("notes", "notes_more", "notes_since", "notes_only_older"),
)


def test_what_was_decided_before_a_variable_came_is_still_rendered(texts: Texts) -> None:
    """The ledger keeps the variables of what waits to be tried: after an upgrade they lack what is new."""
    for values in (FULL, *(sparse(kind) for kind in (*TaskKind, *EmailKind))):
        old = {name: value for name, value in values.items() if name not in NEW_VARIABLES}
        if old["ticket"] is not None:
            for kind in TaskKind:
                assert "Not finished" not in texts.task(kind, old)[1]
        for email in EmailKind:
            told = texts.email(email, old | {"next_date": "2027-01-07"})[1]
            assert "Not finished" not in told
            assert "announcement" not in told
            assert "Not among them" not in told
            assert "not noted" not in told.lower()
            assert "last changed" not in told


def test_every_text_is_ready_for_the_least_and_the_most(texts: Texts) -> None:
    for kind in TaskKind:
        for values in (FULL, sparse(kind)):
            subject, body = texts.task(kind, values)
            assert subject == one_line(subject) != ""
            assert balanced(body)
    for email in EmailKind:
        for values in (FULL, sparse(email)):
            subject, body = texts.email(email, values)
            assert subject == one_line(subject) != ""
            assert body.endswith("\n")
            assert "\n\n\n" not in body
            assert not re.search(r"<[a-z/]|&amp;", body)


# --- nothing foreign acts in them ------------------------------------------------------------------------------------

ATTACKS = st.sampled_from(
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '"><svg onload=alert(1)>',
        "' onmouseover='alert(1)",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "https://x.example/\"onmouseover='alert(1)'",
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        "{{ 7 * 7 }}{% raw %}",
        "a\r\nBcc: everyone@example.com",
        "a\u2028b\x00c\x1bd",
        "<scr<script>ipt>alert(1)</scr</script>ipt>",
        "<![CDATA[<script>alert(1)</script>]]>",
        "<!--><script>alert(1)</script>-->",
        "</blockquote></p><form action=//evil.example>",
    ]
)
FOREIGN = st.one_of(ATTACKS, st.text(), st.lists(ATTACKS, min_size=1, max_size=4).map("".join))
ALLOWED = {"p", "strong", "em", "ul", "ol", "li", "a", "blockquote", "br"}


class Seen(HTMLParser):
    """Every element with its attributes, and what was left open or closed twice."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.broken = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        self.broken |= not self.open or self.open.pop() != tag

    def handle_comment(self, data: str) -> None:
        self.broken = True

    def handle_decl(self, decl: str) -> None:
        self.broken = True

    def unknown_decl(self, data: str) -> None:
        self.broken = True


def balanced(html: str) -> bool:
    seen = Seen(html)
    return not seen.open and not seen.broken


@given(foreign=FOREIGN, link=FOREIGN, note=FOREIGN)
def test_what_people_wrote_never_becomes_markup(foreign: str, link: str, note: str) -> None:
    texts = Texts(MAPPING)
    ticket = {"id": "2", "subject": foreign, "folder": foreign, "url": "https://app.hubspot.com/t/2"}
    values = variables(
        portfolio={"id": "1", "name": foreign, "url": "https://app.hubspot.com/p/1"},
        note={"body": note, "at": "2026-11-21T02:30:00+00:00", "url": "https://app.hubspot.com/n/3"},
        ticket=ticket,
        tickets=[ticket],
        unfinished=[ticket],
        unconfirmed=True,
        account_manager=foreign,
        folder=foreign,
        ad_lab_link=link,
        ad_lab_link_since=foreign,
        ad_lab_link_old=True,
        revision=foreign,
        reason=foreign,
    )
    bodies = [texts.task(kind, values)[1] for kind in TaskKind] + [texts.closing_line(values)]
    for body in bodies:
        seen = Seen(body)
        assert not seen.open
        assert not seen.broken
        for tag, attributes in seen.elements:
            assert tag in ALLOWED
            assert set(attributes) == ({"href"} if tag == "a" else set())
            assert re.match(r"https?://", attributes.get("href") or "https://")
    subjects = [texts.task(kind, values)[0] for kind in TaskKind] + [texts.email(kind, values)[0] for kind in EmailKind]
    for subject in subjects:
        assert subject == subject.strip() != ""
        assert len(subject) <= LONGEST_SUBJECT
        assert len(subject.splitlines()) == 1
        assert all(c.isprintable() or c == "\u200d" for c in subject)


MAPPING = load()  # Hypothesis takes no fixtures of a function's scope


def test_a_template_in_a_value_is_not_run(texts: Texts) -> None:
    values = variables(portfolio=PORTFOLIO | {"name": "{{ 7 * 7 }}"})
    assert texts.task(TaskKind.KICKOFF, values)[0].endswith("{{ 7 * 7 }}")


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://x.example",
        "//x.example",
        "https://",
        "https://x y",
        "https://[",
        "see Drive",
    ],
)
def test_what_is_no_web_address_is_shown_but_not_linked(texts: Texts, link: str) -> None:
    _, body = texts.task(TaskKind.SHARE_DELIVERABLES, variables(tickets=[], folder="A", ad_lab_link=link))
    assert f"Most Recent Ad Lab Link: {link}" in words(body)
    assert f'href="{link}"' not in body


def test_a_text_that_fails_for_one_record_names_its_key(texts: Texts) -> None:
    with pytest.raises(MappingError, match=r"tasks\.write_copy\.subject: cannot be rendered"):
        texts.task(TaskKind.WRITE_COPY, variables(ticket=None))


# --- subjects --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a \n b\t\tc ", "a b c"),
        ("a\r\nBcc: x", "a Bcc: x"),
        ("a\x00b\u202ec", "abc"),
        ("👩\u200d🎨", "👩\u200d🎨"),
        ("x" * 500, "x" * (LONGEST_SUBJECT - 1) + "…"),
        ("x" * LONGEST_SUBJECT, "x" * LONGEST_SUBJECT),
    ],
)
def test_a_subject_is_one_line(text: str, expected: str) -> None:
    assert one_line(text) == expected


LONG_NAME = "The Very Long Name of a Client and All of Its Brands " * 10


def test_a_long_client_name_is_shortened_and_the_end_of_a_subject_stays(texts: Texts) -> None:
    """docs/process.md W.16: what tells tasks and emails of one client apart stands at the end."""
    values = variables(
        portfolio=PORTFOLIO | {"name": LONG_NAME}, folder="Autumn, second half", announcement=2, tickets=[TICKET]
    )
    task, _ = texts.task(TaskKind.SHARE_DELIVERABLES, values)
    email, _ = texts.email(EmailKind.SET_READY_ACCOUNT_MANAGER, values)
    assert task.startswith("Share Deliverables With Client: The Very Long Name of a Client")
    for subject in (task, email):
        assert LONGEST_SUBJECT - 20 <= len(subject) <= LONGEST_SUBJECT
        assert subject.endswith("All of Its Brands (Autumn, second half), second announcement")
    assert texts.email(EmailKind.REFRESH_LIVE, values)[0].endswith("All of Its Brands are live")
    assert texts.is_subject_of(TaskKind.SHARE_DELIVERABLES, task)


@pytest.mark.parametrize("kind", [TaskKind.WRITE_COPY, TaskKind.REVISE_GRAPHICS])
def test_long_names_of_tickets_that_differ_at_the_end_give_two_subjects(texts: Texts, kind: TaskKind) -> None:
    named = [variables(ticket=TICKET | {"subject": f"{LONG_NAME} {end}"}, round=2) for end in ("Ad 1", "Ad 2")]
    one, other = (texts.task(kind, values)[0] for values in named)
    assert one != other
    assert "Brands Ad 1" in one
    assert len(one) <= LONGEST_SUBJECT


def test_a_subject_that_was_cut_off_before_is_still_one_of_a_tasks_own(texts: Texts) -> None:
    values = variables(ticket=TICKET | {"subject": LONG_NAME})
    cut = one_line(f"Write Copy: {LONG_NAME}")
    assert texts.task_subjects(TaskKind.WRITE_COPY, values) == {cut, texts.task(TaskKind.WRITE_COPY, values)[0]}
    assert texts.is_subject_of(TaskKind.WRITE_COPY, cut)


@pytest.mark.parametrize("name", ["Acme", "Acme (2) .* [x]", "x" * 400, "", "a\nb"])
def test_a_subject_is_known_again_whatever_it_speaks_of(texts: Texts, name: str) -> None:
    values = variables(
        portfolio=PORTFOLIO | {"name": name}, ticket=TICKET | {"subject": name}, tickets=[TICKET], folder=name
    )
    for kind in TaskKind:
        subject, _ = texts.task(kind, values)
        assert [each for each in TaskKind if texts.is_subject_of(each, subject)] == [kind]


def test_case_and_spaces_do_not_matter_but_words_do(texts: Texts) -> None:
    assert texts.is_subject_of(TaskKind.IMPLEMENT, " implement new  creatives for refresh ")
    assert not texts.is_subject_of(TaskKind.IMPLEMENT, "Implement New Creatives for Refresh, please")
    assert not texts.is_subject_of(TaskKind.WRITE_COPY, "Do not Write Copy: x")


def test_a_subject_made_of_values_alone_is_never_known(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text("tasks: {implement: {subject: '{{ portfolio.name }}'}}", encoding="utf-8")
    assert not Texts(load(path)).is_subject_of(TaskKind.IMPLEMENT, "Acme")


def test_both_branches_of_a_subject_are_known(tmp_path: Path) -> None:
    path = tmp_path / "mapping.yaml"
    path.write_text(
        "tasks: {kickoff: {subject: '{% if note %}Read the Note{% else %}Ask {{ refresh_date | day }}{% endif %}'}}",
        encoding="utf-8",
    )
    texts = Texts(load(path))
    assert texts.is_subject_of(TaskKind.KICKOFF, "Read the Note")
    assert texts.is_subject_of(TaskKind.KICKOFF, "Ask Mon 7 Dec 2026")
    assert not texts.is_subject_of(TaskKind.KICKOFF, "Write")


# --- filters ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'2026-11-22' | day", "Sun 22 Nov 2026"),
        ("'2026-11-02T10:00' | day", "Mon 2 Nov 2026"),
        ("'soon' | day", "soon"),
        ("none | day", "no date"),
        ("'2026-11-02T10:05-05:00' | moment", "Mon 2 Nov 2026, 10:05"),
        ("'2026-11-02' | moment", "Mon 2 Nov 2026"),
        ("'soon' | moment", "soon"),
        ("0 | away", "today"),
        ("1 | away", "tomorrow"),
        ("-1 | away", "yesterday"),
        ("12 | away", "in 12 days"),
        ("-3 | away", "3 days ago"),
        ("none | away", ""),
        ("'https://x.example' | link", "https://x.example"),
        ("'https://x.example' | link('X')", "X: https://x.example"),
        ("'' | link('X')", "X"),
        ("'a\n\nb' | quote", "> a\n>\n> b"),
        ("'a\nb' | lines", "a\nb"),
    ],
)
def test_a_filter(mapping: ProcessMapping, expression: str, expected: str) -> None:
    email = mapping.emails[EmailKind.KICKOFF].model_copy(update={"body": "{{ " + expression + " }}"})
    texts = Texts(mapping.model_copy(update={"emails": {EmailKind.KICKOFF: email}}))
    assert texts.email(EmailKind.KICKOFF, variables())[1] == expected + "\n"


# --- Notes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("", ""),
        ("plain", "plain"),
        ("a\nb\r\n\r\nc", "a\nb\n\nc"),
        ("a < b & c", "a < b & c"),
        ("<p>a</p><p>b</p>", "a\nb"),
        ("<div><p style='margin:0'>a</p><p><br></p><p>b</p></div>", "a\n\nb"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<p>a\n  b</p>", "a b"),
        ("<ul><li>a</li><li><b>b</b> c</li></ul>d", "- a\n- b c\nd"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>a\n  b</pre>", "a\nb"),
        (
            "a&nbsp;&amp;&nbsp;b &lt;i&gt;",
            "a & b <i>",
        ),
        ('see <a href="https://x.example/a">the brief</a>.', "see the brief (https://x.example/a)."),
        ('<a href="https://x.example/a">https://x.example/a</a>', "https://x.example/a"),
        ('<a href="https://x.example/a"><img src="b.png"></a>', "[image] (https://x.example/a)"),
        ('<a href="mailto:a@x.example">a@x.example</a>', "a@x.example"),
        ('<a href="javascript:alert(1)">click</a>', "click"),
        ('<img src="x.png" alt="logo">', "[image: logo]"),
        ("a<script>alert(1)</script>b<style>p{}</style>c", "abc"),
        ("a<script>alert(1)", "a"),
        ("<p>a<p>b", "a\nb"),
        ("</p></div>a</a>", "a"),
        ("<p>a</p>" + "<p><br></p>" * 9 + "<p>b</p>", "a\n\nb"),
        ("a<!-- b -->c", "ac"),
        ("a\x00b\x1bc", "abc"),
    ],
)
def test_a_note_as_text(html: str, expected: str) -> None:
    assert plain_text(html) == expected


@given(FOREIGN)
def test_any_note_becomes_text(html: str) -> None:
    text = plain_text(html)
    assert text == text.strip()
    assert all(c.isprintable() or c in "\n\u200d" for c in text)


def test_own_templates_may_speak_of_the_newest_note_or_of_all(mapping: ProcessMapping) -> None:
    """Of 0.2 they know `note` alone; and what 0.2 had decided has no `notes`."""
    body = "{{ note.body }}, {{ note.at | day }}{% for each in notes %}; {{ each.author }} {{ each.body }}{% endfor %}"
    email = mapping.emails[EmailKind.KICKOFF].model_copy(update={"body": body})
    texts = Texts(mapping.model_copy(update={"emails": {EmailKind.KICKOFF: email}}))
    old = {name: value for name, value in variables(note=NOTE).items() if name not in NEW_VARIABLES}
    assert texts.email(EmailKind.KICKOFF, old)[1] == (
        "Use the new logo.\nNo red., Fri 20 Nov 2026;  Use the new logo.\nNo red.\n"
    )
    signed = {"account_manager": False, "files": 0, "url": ""}
    notes = [
        {"body": "<b>", "at": "2026-11-21T02:30:00+00:00", "author": "Amelia", **signed},
        {"body": "No", "at": "2026-11-20T02:30:00+00:00", "author": "Cora", **signed},
    ]
    told = texts.email(EmailKind.KICKOFF, variables(notes=notes))[1]
    assert told == "<b>, Fri 20 Nov 2026; Amelia <b>; Cora No\n"


def test_a_long_note_is_cut_where_a_word_ends(texts: Texts) -> None:
    _, body = texts.task(TaskKind.CREATE_TICKETS, variables(note=NOTE | {"body": "word " * 20_000}))
    assert "word …</blockquote>" in body
    assert len(body) < 10_000
