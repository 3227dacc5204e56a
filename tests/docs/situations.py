"""What has happened before a block of a page is read: by name, as the page's marks say it."""

import sys
from collections.abc import Callable, Mapping

from sync.storage.database import open_store
from tests.docs.workspace import ROOT, Workspace


def nobody_writes_copy(workspace: Workspace) -> None:
    """Nova Yoga has a new ticket, and nobody in the role of the Copywriter."""
    people = workspace.people
    nova = workspace.find("Nova Yoga")
    people.set("portfolio", nova, {"copywriter": ""})
    people.create_ticket("Winter offer", "Winter", nova)
    workspace.run("handoffs poll")


def somebody_writes_copy(workspace: Workspace) -> None:
    """The account manager has named one."""
    people = workspace.people
    people.set("portfolio", workspace.find("Nova Yoga"), {"copywriter": people.owner("copywriter")})


def hubspot_refuses_tasks(workspace: Workspace) -> None:
    """A rule that somebody made in HubSpot refuses the task of a client who is due."""
    rule = {"name": "r", "type": "task", "property": "hs_task_subject", "pattern": "^[^:]*$", "message": "No colons."}
    workspace.people.set_rules(rule)
    workspace.people.create_portfolio("Olive Bistro", "2026-11-09")
    workspace.run("handoffs poll")


def hubspot_takes_tasks(workspace: Workspace) -> None:
    """The rule is gone."""
    workspace.people.set_rules()


def task_deleted(workspace: Workspace) -> None:
    """Somebody deleted the task of a kickoff."""
    [task] = [one for one in workspace.people.tasks("portfolio", workspace.find("Brightside Dental")) if one.key]
    workspace.people.delete_task(task.id)


def task_restored(workspace: Workspace) -> None:
    """Somebody took it back out of HubSpot's recycle bin."""
    [task] = [one for one in workspace.people.all_tasks(archived=True) if "Brightside Dental" in one.subject]
    workspace.people.restore("task", task.id)


def nothing_heard(workspace: Workspace) -> None:
    """The limit is the usual one again; a ticket came, and the service was not told of it yet."""
    workspace.environment.pop("MAPPING", None)
    workspace.people.create_ticket("Autumn ad", "Autumn", workspace.find("Harbor Bakery"))


def set_half_ready(workspace: Workspace) -> None:
    """Of two tickets of a folder one is ready for approval."""
    people = workspace.people
    harbor = workspace.find("Harbor Bakery")
    people.create_ticket("Autumn video", "Autumn", harbor)
    workspace.run("handoffs poll")
    first = people.tickets(harbor)[0]
    people.move_ticket(first.id, "Pending Approval")
    people.set_status(harbor, "Deliverables Submitted")
    workspace.run("handoffs poll")


def a_small_limit_is_passed(workspace: Workspace) -> None:
    """All dates of many clients were moved into the window at once."""
    workspace.environment["MAPPING"] = "agency.yaml"
    (workspace.directory / "agency.yaml").write_text("rules: {effects_per_hour: 4}\n", encoding="utf-8")
    for name in ("Pine Outdoor", "Quartz Gym", "Ruby Travel"):
        workspace.people.create_portfolio(name, "2026-11-10")
    workspace.run("handoffs poll")


def a_database_of_a_newer_version(workspace: Workspace) -> None:
    """A version that is still to be written has brought the schema up to its own."""
    store = open_store("sqlite:///handoffs.db")
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()


def the_project_beside_it(workspace: Workspace) -> None:
    """A clone, in the directory that the commands are run in; and the tools that a machine has, as far as they are used."""
    (workspace.directory / "creative-refresh-handoffs").symlink_to(ROOT)
    for tool, script in INSTALLERS.items():
        workspace.add_tool(tool, script)


INSTALLERS = {
    "pipx": 'test "$1" = install && test -f "$2/pyproject.toml"',
    "uv": f"""case "$1 $2" in
        "build --wheel") cd "$5" && {sys.executable} -m hatchling build --target wheel --directory "$OLDPWD/$4" ;;
        "tool install") test -f "$3" || test -f "$3/pyproject.toml" ;;
        *) exit 1 ;;
    esac""",
    "useradd": 'test "$*" = "--system --create-home --home-dir /srv/handoffs handoffs"',
    "python3": 'test "$*" = "-m venv /srv/handoffs/venv"',
    "ln": 'test "$1" = -s',
    "cp": 'test -s "$1" && test "$2" = /etc/systemd/system/',
    "systemctl": 'case "$*" in daemon-reload | "enable --now handoffs") ;; *) exit 1 ;; esac',
    "docker": """case "$1" in
        build) test "$2 $3" = "-t handoffs" && test -f "$4/Dockerfile" ;;
        run | exec) : ;;
        *) exit 1 ;;
    esac""",
    "/srv/handoffs/venv/bin/pip": 'test "$1" = install && for last; do :; done && test -e "$last"',
}
"""What another machine's tools check of their arguments here: that what they are given is there."""


def an_empty_directory(workspace: Workspace) -> None:
    """No portal, no settings: as on the first day."""
    workspace.environment.clear()


SITUATIONS: Mapping[str, Callable[[Workspace], None]] = {
    "a portal in use": Workspace.portal,
    "the service at work": Workspace.live,
    **{
        one.__name__.replace("_", " "): one
        for one in (
            nobody_writes_copy, somebody_writes_copy, hubspot_refuses_tasks, hubspot_takes_tasks, task_deleted,
            task_restored, nothing_heard, set_half_ready, a_small_limit_is_passed,
            a_database_of_a_newer_version, the_project_beside_it, an_empty_directory,
        )
    },
}  # fmt: skip
