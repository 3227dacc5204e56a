"""`handoffs check`: what an admin reads, what a script reads, and how it ends."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sync.cli import main
from sync.sandbox import Sandbox, SandboxServer

STUDIO = """\
time_zone: Europe/London
portfolio:
  properties:
    status: creative_refresh_state
  statuses:
    creatives_implemented: live
ticket:
  in_progress: Doing
  owners:
    copywriter: writer
roles:
  copywriter:
    fallback_owner: cody.wright@agency.test
"""


GOLDEN = """\
studio.yaml against the portal:

  error    portal        1 error
  ok       object        creative_portfolios is 2-1234567
  error    portfolio     1 error
  warning  ticket        1 warning
  error    pipeline      1 error
  error    task          1 error
  ok       associations  portfolios, tickets, tasks and notes
  error    owners        1 error
  ok       rules         no admin's rule stands in the way
  ok       texts         the packaged ones, in the portal's words
  ?        rehearsal     not looked at: another finding stands before it
  ok       scopes        every kind of call is permitted
  ok       email         emails are printed, not sent (EMAIL_URL=console:)
  warning  webhooks      1 warning

error    studio.yaml:1 time_zone
  the portal's time zone is America/New_York, not Europe/London: the day would
  begin at another hour than people see
  → write America/New_York, or change the portal's (Settings > Account Defaults)

error    studio.yaml:4 portfolio.properties.status
  portfolios have no property “creative_refresh_state”
  → write creative_refresh_status?

warning  studio.yaml:10 ticket.owners.copywriter
  tickets have no property “writer”: the portfolio's copywriter gets the work
  → if that is meant, write `owners: {}` under `ticket`; else create it in
    HubSpot, as a user property

error    studio.yaml:8 ticket.in_progress
  no stage of “Deliverables” is called “Doing”
  → write the id or label of one: “Approved” (880014), “Closed” (880015), “In
    Progress” (880012), “New” (880011), “Pending Approval” (880013)

error    creative_refresh.yaml:139 task.key_property
  tasks have no property “handoff_key” to carry their key
  → run `handoffs setup --apply` (it needs the scope crm.schemas.contacts.write,
    or crm.schemas.tasks.write); or write `key_carrier: body` under `task`: then
    none is needed

error    studio.yaml:13 roles.copywriter.fallback_owner
  the portal has no owner “cody.wright@agency.test”
  → write cody.wright@agency.example?

warning  PUBLIC_URL
  is not set: no webhooks, changes are found by the poll every 300 s
  → if that is not meant, set PUBLIC_URL and HUBSPOT_CLIENT_SECRET

5 errors, 2 warnings.
"""


Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """`handoffs …` against a sandbox over a real socket."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sync.log.configure", lambda *_args, **_options: None)
    servers: list[SandboxServer] = []

    def invoke(sandbox: Sandbox, *arguments: str, **environment: str) -> Result:
        servers.append(SandboxServer(sandbox).start())
        given = {
            "HUBSPOT_ACCESS_TOKEN": sandbox.token,
            "HUBSPOT_APP_ID": str(sandbox.app_id),
            "HUBSPOT_BASE_URL": servers[-1].url,
            "EMAIL_URL": "console:",
        }
        return CliRunner(env={**given, **environment}).invoke(main, list(arguments))

    yield invoke
    for server in servers:
        server.stop()


def test_what_an_admin_reads(run: Run) -> None:
    Path("studio.yaml").write_text(STUDIO, encoding="utf-8")
    result = run(Sandbox(), "check", MAPPING="studio.yaml")
    assert result.stdout == GOLDEN
    assert "writing the key into studio.yaml." in result.stderr
    assert max(map(len, result.output.splitlines())) <= 80
    assert result.exit_code == 5


def test_what_a_script_reads(run: Run) -> None:
    Path("studio.yaml").write_text("time_zone: Europe/London\n", encoding="utf-8")
    result = run(Sandbox(with_task_property=True), "check", "--json", MAPPING="studio.yaml")
    told = json.loads(result.stdout)
    assert (told["version"], told["ok"]) == (1, False)
    assert [set(finding) for finding in told["findings"]] == [{"severity", "where", "problem", "remedy"}] * 2
    assert told["findings"][0]["where"] == "studio.yaml:1 time_zone"
    assert result.exit_code == 5


def test_warnings_are_no_failure(run: Run) -> None:
    result = run(Sandbox(with_task_property=True), "check")
    assert (result.stdout.splitlines()[-1], result.exit_code) == ("0 errors, 1 warning.", 0)


def test_a_wrong_token_gives_one_line(run: Run) -> None:
    result = run(Sandbox(), "check", HUBSPOT_ACCESS_TOKEN="pat-wrong")
    assert (result.stdout, result.exit_code) == ("", 4)
    assert "HUBSPOT_ACCESS_TOKEN" in result.stderr


def test_the_test_email_is_sent_and_told_of(run: Run) -> None:
    result = run(Sandbox(with_task_property=True), "check", "--send-test-email", "you@agency.example")
    assert "email to you@agency.example · check:" in result.stderr
    assert "a test email to you@agency.example is handed over" in " ".join(result.stdout.split())
    assert result.exit_code == 0


def test_a_test_email_that_cannot_be_sent_is_a_failure(run: Run) -> None:
    result = run(Sandbox(with_task_property=True), "check", "--send-test-email", "you@agency.example", EMAIL_URL="")
    assert "no test email can be sent" in result.stdout
    assert (result.stdout.splitlines()[-1], result.exit_code) == ("1 error, 1 warning.", 1)
