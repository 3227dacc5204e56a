"""Scopes, token, connection, and settings that a check needs."""

from datetime import timedelta
from typing import Any

import pytest

from sync.admin import sample_email
from sync.admin.check import CheckReport, Severity
from sync.admin.probe import Obstacle
from sync.errors import AuthenticationError, CRMUnavailableError, EmailError, EmailUnknownError
from sync.sandbox import Fault
from tests.unit.check.report import ERROR, WARNING, Relay, checked
from tests.world import World


@pytest.mark.parametrize(
    ("scope", "purpose"),
    [
        ("oauth", "read the account's details"),
        ("crm.schemas.custom.read", "read the object's schema"),
        ("crm.objects.custom.write", "change portfolios"),
        ("tickets", "read the ticket's properties, read the ticket pipelines"),
        ("crm.objects.contacts.write", "change tasks"),
        ("crm.objects.owners.read", "read owners"),
    ],
)
def test_a_missing_scope_is_named_once_with_all_that_needs_it(world: World, scope: str, purpose: str) -> None:
    world.sandbox.portal.app.scopes.discard(scope)
    report = checked(world)
    (misfit,) = report.misfits
    assert misfit.where == "HUBSPOT_ACCESS_TOKEN"
    assert misfit.problem.startswith(f"the app lacks the scope {scope}, needed to {purpose}")
    assert report.exit_code == 4


def test_every_missing_scope_is_named(world: World) -> None:
    world.sandbox.portal.app.scopes.clear()
    report = checked(world)
    named = {misfit.problem.split(",")[0].removeprefix("the app lacks the scope ") for misfit in report.misfits}
    assert {"oauth", "tickets", "crm.schemas.custom.read", "crm.objects.contacts.read"} <= named


def test_a_refused_token_ends_the_check(world: World) -> None:
    world.sandbox.portal.app.token = "pat-another"
    with pytest.raises(AuthenticationError):
        checked(world)


def test_a_portal_out_of_reach_ends_the_check(world: World) -> None:
    world.sandbox.faults.add(Fault("503"))
    with pytest.raises(CRMUnavailableError):
        checked(world)


def test_what_is_out_of_reach_later_is_one_finding_among_others(world: World) -> None:
    world.sandbox.faults.add(Fault("503", endpoint="GET /crm/owners/2026-09"))
    report = checked(world, mail_server=Relay("no connection"))
    assert [misfit.where for misfit in report.misfits] == ["HUBSPOT_BASE_URL", "EMAIL_URL"]
    assert report.exit_code == 1


@pytest.mark.parametrize(("login_refused", "severity", "code"), [(True, ERROR, 1), (False, WARNING, 0)])
def test_a_refused_login_stops_a_release_and_a_mail_server_that_is_down_does_not(
    world: World, login_refused: bool, severity: Severity, code: int
) -> None:
    report = checked(world, mail_server=Relay("the mail server is not as it should be", login_refused=login_refused))
    assert [(one.severity, one.where) for one in report.misfits] == [(severity, "EMAIL_URL")]
    assert report.exit_code == code


@pytest.mark.parametrize(
    ("settings", "where", "severity"),
    [
        ({"hubspot_app_id": None}, "HUBSPOT_APP_ID", WARNING),
        ({"public_url": None, "hubspot_client_secret": ()}, "PUBLIC_URL", WARNING),
        ({"public_url": None}, "PUBLIC_URL", ERROR),
        ({"hubspot_client_secret": ()}, "HUBSPOT_CLIENT_SECRET", ERROR),
    ],
)
def test_a_setting_that_is_missing(world: World, settings: dict[str, Any], where: str, severity: Severity) -> None:
    assert [(one.severity, one.where) for one in checked(world, **settings).misfits] == [(severity, where)]


def test_webhooks_that_do_not_arrive_stop_nothing(world: World) -> None:
    report = checked(world, blocked_by=Obstacle("nothing answers", "start it"))
    assert ([one.severity for one in report.misfits], report.exit_code) == ([WARNING], 0)
    report = checked(world, blocked_by=Obstacle("believes anybody", "mend it", dangerous=True))
    assert ([one.severity for one in report.misfits], report.exit_code) == ([ERROR], 1)


class Post(Relay):
    """A mail server that keeps what it is given; `error` is raised instead."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.error = error
        self.sent: list[tuple[str, str, str]] = []

    def send(self, key: str, to: str, subject: str, body: str, html: str | None = None) -> None:
        if self.error is not None:
            raise self.error
        self.sent.append((key, to, subject))


def sent_by(world: World, post: Post | None) -> CheckReport:
    """The report of a check after which a test email was asked for."""
    return checked(world, mail_server=post).with_area(sample_email.send(post, "you@agency.example", world.clock))


def test_a_test_email_is_sent_where_it_is_asked_for_each_time(world: World) -> None:
    post = Post()
    report = sent_by(world, post)
    world.clock.advance(timedelta(seconds=1))
    sent_by(world, post)
    assert [to for _, to, _ in post.sent] == ["you@agency.example"] * 2
    assert len({key for key, _, _ in post.sent}) == 2
    assert report.exit_code == 0
    assert "a test email to you@agency.example is handed over" in str([area.note for area in report.areas])


def test_a_check_alone_sends_none(world: World) -> None:
    post = Post()
    checked(world, mail_server=post)
    assert post.sent == []


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (EmailError("550 no such user"), "the test email was not sent: 550 no such user"),
        (EmailError("535 wrong", login_refused=True), "535 wrong"),
        (EmailUnknownError("it broke off"), "nobody can know whether the test email was sent: it broke off"),
    ],
)
def test_a_test_email_that_is_not_sent_is_an_error(world: World, error: Exception, problem: str) -> None:
    report = sent_by(world, Post(error))
    assert [(one.severity, one.where, one.problem) for one in report.misfits] == [(ERROR, "EMAIL_URL", problem)]
    assert report.exit_code == 1


def test_without_a_way_to_send_no_test_email_is_sent(world: World) -> None:
    report = sent_by(world, None)
    problem = "is not set: no test email can be sent"
    assert [(one.severity, one.where, one.problem) for one in report.misfits] == [(ERROR, "EMAIL_URL", problem)]
    assert report.exit_code == 1
