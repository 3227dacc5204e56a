"""The HubSpot project: its files have HubSpot's shapes, name what the rules depend on, and overwrite nobody's work."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from mappings.load import load
from sync.admin.subscriptions import APP_FILE, PROJECT_FILE, WEBHOOKS_FILE, App, FileState, project, write
from sync.cli import main
from sync.errors import RefusedError
from sync.sandbox import Sandbox, SandboxServer

URL = "https://handoffs.example.com"
APP = App(URL, "2-1234567")

RENAMED = """\
portfolio:
  properties:
    status: state
    refresh_date: due_on
  condition:
    - {property: service_tier, in: [Gold]}
    - {property: state, in: ['']}
ticket:
  properties:
    folder: ad_set
  owners: {}
"""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sync.log.configure", lambda *_args, **_options: None)


def files(app: App = APP, mapping: str | None = None) -> dict[str, Any]:
    """The three files, as a reader of the directory gets them."""
    if mapping is not None:
        Path("mapping.yaml").write_text(mapping, encoding="utf-8")
    made = project(load(Path("mapping.yaml") if mapping is not None else None), app)
    return {path.as_posix(): json.loads(json.dumps(content)) for path, content in made.items()}


def crm_objects(app: App = APP, mapping: str | None = None) -> list[dict[str, Any]]:
    subscriptions = files(app, mapping)[WEBHOOKS_FILE.as_posix()]["config"]["subscriptions"]
    found: list[dict[str, Any]] = subscriptions["crmObjects"]
    return found


def changes(object_type: str, **options: Any) -> list[str]:
    """The properties of an object that are subscribed to."""
    return [
        one["propertyName"]
        for one in crm_objects(**options)
        if one["objectType"] == object_type and one["subscriptionType"] == "object.propertyChange"
    ]


# --- the shapes of docs/hubspot.md 2 ---------------------------------------------------------------------------------


def test_the_files_are_those_of_a_project() -> None:
    made = files()
    assert list(made) == ["hsproject.json", "src/app/app-hsmeta.json", "src/app/webhooks/webhooks-hsmeta.json"]
    top = made["hsproject.json"]
    assert (set(top), top["srcDir"], top["platformVersion"]) == (
        {"name", "srcDir", "platformVersion"},
        "src",
        "2026.09",
    )


def test_the_app() -> None:
    made = files(App(URL, "2-1", support_email="ops@agency.example"))[APP_FILE.as_posix()]
    config = made["config"]
    assert (set(made), made["type"]) == ({"uid", "type", "config"}, "app")
    assert set(config) == {"name", "description", "distribution", "auth", "permittedUrls", "support"}
    assert (config["distribution"], config["auth"]["type"]) == ("private", "static")
    assert set(config["auth"]) == {"type", "requiredScopes"}
    assert config["support"] == {"supportEmail": "ops@agency.example"}
    assert config["permittedUrls"] == {"fetch": [], "iframe": [], "img": []}


def test_the_scopes_are_what_the_sandbox_asks_for_as_hubspot_does() -> None:
    def scopes(mapping: str | None = None, **options: Any) -> set[str]:
        found = files(App(URL, "2-1", **options), mapping)[APP_FILE.as_posix()]["config"]["auth"]["requiredScopes"]
        assert len(found) == len(set(found))
        return set(found)

    sandbox = Sandbox()
    assert scopes(single_send=True) == sandbox.portal.app.scopes
    assert sandbox.portal.app.scopes - scopes() == {"transactional-email"}
    assert scopes(sample=True) - scopes() == {"crm.schemas.custom.write"}
    assert scopes() - scopes("task: {key_carrier: body}\n") == {"crm.schemas.contacts.write"}


def test_the_webhooks() -> None:
    made = files()[WEBHOOKS_FILE.as_posix()]
    assert (set(made), made["type"]) == ({"uid", "type", "config"}, "webhooks")
    assert made["config"]["settings"] == {"targetUrl": f"{URL}/webhooks/hubspot", "maxConcurrentRequests": 10}
    assert set(made["config"]["subscriptions"]) == {"crmObjects", "legacyCrmObjects", "hubEvents"}
    for one in crm_objects():
        named = {"propertyName"} if one["subscriptionType"] == "object.propertyChange" else set()
        assert set(one) == {"subscriptionType", "objectType", "active"} | named
        assert one["active"] is True
        assert one["subscriptionType"].partition(".")[0] == "object"
    texts = [json.dumps(one) for one in crm_objects()]
    assert len(texts) == len(set(texts))


def test_uids_differ_and_are_what_hubspot_takes() -> None:
    made = files()
    uids = [made[path.as_posix()]["uid"] for path in (APP_FILE, WEBHOOKS_FILE)]
    assert len(set(uids)) == 2
    assert all(uid.replace("_", "").isalnum() for uid in uids)


# --- what is subscribed to -------------------------------------------------------------------------------------------


def test_the_properties_that_rules_depend_on() -> None:
    assert changes("2-1234567") == [
        "creative_refresh_status",
        "creative_refresh_date",
        "creative_refresh_cadence",
        "account_manager",
        "social_ad_specialist",
        "copywriter",
        "graphic_designer",
    ]
    assert changes("ticket") == [
        "hs_pipeline",
        "hs_pipeline_stage",
        "deliverable_folder_name",
        "needs_revisions",
        "copywriter",
        "graphic_designer",
    ]
    assert changes("task") == ["hs_task_status"]


def test_names_and_conditions_are_the_mappings() -> None:
    assert changes("2-1234567", mapping=RENAMED) == [
        "state",
        "due_on",
        "creative_refresh_cadence",
        "account_manager",
        "social_ad_specialist",
        "copywriter",
        "graphic_designer",
        "service_tier",
    ]
    assert changes("ticket", mapping=RENAMED) == ["hs_pipeline", "hs_pipeline_stage", "ad_set", "needs_revisions"]


def test_events_beside_changes() -> None:
    found = {
        (one["objectType"], one["subscriptionType"].rpartition(".")[2])
        for one in crm_objects()
        if "propertyName" not in one
    }
    assert found == {
        *(("2-1234567", event) for event in ("creation", "restore", "merge", "associationChange")),
        *(("ticket", event) for event in ("creation", "deletion", "restore", "merge", "associationChange")),
    }


def test_portfolios_can_be_left_to_the_poll() -> None:
    assert {one["objectType"] for one in crm_objects(App(URL, None))} == {"ticket", "task"}


def test_the_sandbox_accepts_them_all() -> None:
    sandbox = Sandbox()
    sandbox.delivery.subscribe_project(files()[WEBHOOKS_FILE.as_posix()])
    assert len(sandbox.delivery.subscriptions) == len(crm_objects())
    assert sandbox.delivery.target == f"{URL}/webhooks/hubspot"


# --- writing ---------------------------------------------------------------------------------------------------------


def test_writing_twice_changes_nothing_and_nobodys_work_is_lost() -> None:
    made = project(load(), APP)
    directory = Path("hubspot")
    assert set(write(made, directory, force=False).values()) == {FileState.WRITTEN}
    assert set(write(made, directory, force=False).values()) == {FileState.UNCHANGED}
    (directory / PROJECT_FILE).write_text("{}", encoding="utf-8")
    (directory / APP_FILE).unlink()
    with pytest.raises(RefusedError, match=r"hsproject\.json"):
        write(made, directory, force=False)
    assert not (directory / APP_FILE).exists()
    assert list(write(made, directory, force=True).values()) == [
        FileState.REPLACED,
        FileState.WRITTEN,
        FileState.UNCHANGED,
    ]


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture
def sandbox() -> Iterator[tuple[Sandbox, str]]:
    made = Sandbox()
    with SandboxServer(made) as server:
        yield made, server.url


def run(*arguments: str, **environment: str) -> Result:
    return CliRunner(env={"PUBLIC_URL": URL, **environment}).invoke(main, ["subscriptions", *arguments])


def object_types() -> set[str]:
    made = json.loads((Path("hubspot") / WEBHOOKS_FILE).read_text(encoding="utf-8"))
    return {one["objectType"] for one in made["config"]["subscriptions"]["crmObjects"]}


def test_without_network_the_object_type_is_given() -> None:
    result = run("--out", "hubspot", "--object-type", "2-77")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == ["written"] * 3
    assert "hs project upload" in result.stderr
    assert "--without-portfolio" in result.stderr
    assert max(map(len, result.output.splitlines())) <= 80
    assert object_types() == {"2-77", "ticket", "task"}


def test_with_a_token_the_portal_is_asked(sandbox: tuple[Sandbox, str]) -> None:
    made, url = sandbox
    result = run("--out", "hubspot", HUBSPOT_ACCESS_TOKEN=made.token, HUBSPOT_BASE_URL=url)
    assert result.exit_code == 0
    assert object_types() == {"2-1234567", "ticket", "task"}


def test_a_refused_token_is_4_and_writes_nothing(sandbox: tuple[Sandbox, str]) -> None:
    result = run("--out", "hubspot", HUBSPOT_ACCESS_TOKEN="pat-wrong", HUBSPOT_BASE_URL=sandbox[1])
    assert (result.exit_code, result.stdout) == (4, "")
    assert not Path("hubspot").exists()


def test_a_mapping_that_gives_the_full_name_is_enough() -> None:
    Path("mapping.yaml").write_text("portfolio: {object: p62515_clients}\n", encoding="utf-8")
    assert run("--out", "hubspot", MAPPING="mapping.yaml").exit_code == 0
    assert object_types() == {"p62515_clients", "ticket", "task"}


def test_portfolios_without_webhooks() -> None:
    result = run("--out", "hubspot", "--without-portfolio")
    assert result.exit_code == 0
    assert object_types() == {"ticket", "task"}
    assert "the poll finds their changes" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (["--out", "hubspot"], {}, 2, "--object-type"),
        (["--out", "hubspot", "--object-type", "clients"], {}, 2, "HubSpot takes no bare name any more"),
        (["--out", "hubspot", "--object-type", "0-5"], {}, 2, "neither a type id"),
        (["--out", "hubspot", "--object-type", "2-1", "--without-portfolio"], {}, 2, "exclude each other"),
        (["--out", "hubspot", "--object-type", "2-1"], {"PUBLIC_URL": ""}, 2, "PUBLIC_URL is not set"),
        (["--out", "hubspot", "--object-type", "2-1"], {"PUBLIC_URL": "http://a.example"}, 2, "https addresses only"),
        ([], {}, 2, "--out"),
    ],
)
def test_what_is_missing_is_said(arguments: list[str], environment: dict[str, str], code: int, said: str) -> None:
    result = run(*arguments, **environment)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
    assert not Path("hubspot").exists()


def test_changed_files_are_kept_unless_forced() -> None:
    run("--out", "hubspot", "--object-type", "2-1")
    result = run("--out", "hubspot", "--without-portfolio")
    assert (result.exit_code, result.stdout) == (3, "")
    assert object_types() == {"2-1", "ticket", "task"}
    assert run("--out", "hubspot", "--without-portfolio", "--force").stdout.split()[::2] == [
        "unchanged",
        "unchanged",
        "replaced",
    ]
