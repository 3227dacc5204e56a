"""What has happened before a block of a page is read: by name, as the page's marks say it."""

from collections.abc import Callable, Mapping

from sync.storage.database import open_store
from tests.docs.office import Office


def nobody_writes_copy(office: Office) -> None:
    """Nova Yoga has a new ticket, and nobody in the role of the Copywriter."""
    people = office.people
    nova = office.find("Nova Yoga")
    people.set("portfolio", nova, {"copywriter": ""})
    people.create_ticket("Winter offer", "Winter", nova)
    office.run("handoffs poll")


def somebody_writes_copy(office: Office) -> None:
    """The account manager has named one."""
    people = office.people
    people.set("portfolio", office.find("Nova Yoga"), {"copywriter": people.owner("copywriter")})


def hubspot_refuses_tasks(office: Office) -> None:
    """A rule that somebody made in HubSpot refuses the task of a client who is due."""
    rule = {"name": "r", "type": "task", "property": "hs_task_subject", "pattern": "^[^:]*$", "message": "No colons."}
    office.people.set_rules(rule)
    office.people.create_portfolio("Olive Bistro", "2026-11-09")
    office.run("handoffs poll")


def hubspot_takes_tasks(office: Office) -> None:
    """The rule is gone."""
    office.people.set_rules()


def task_deleted(office: Office) -> None:
    """Somebody deleted the task of a kickoff."""
    [task] = [one for one in office.people.tasks("portfolio", office.find("Brightside Dental")) if one.key]
    office.people.delete_task(task.id)


def task_restored(office: Office) -> None:
    """Somebody took it back out of HubSpot's recycle bin."""
    [task] = [one for one in office.people.all_tasks(archived=True) if "Brightside Dental" in one.subject]
    office.people.restore("task", task.id)


def nothing_heard(office: Office) -> None:
    """The limit is the usual one again; a ticket came, and the service was not told of it yet."""
    office.environment.pop("MAPPING", None)
    office.people.create_ticket("Autumn ad", "Autumn", office.find("Harbor Bakery"))


def set_half_ready(office: Office) -> None:
    """Of two tickets of a folder one is ready for approval."""
    people = office.people
    harbor = office.find("Harbor Bakery")
    people.create_ticket("Autumn video", "Autumn", harbor)
    office.run("handoffs poll")
    first = people.tickets(harbor)[0]
    people.move_ticket(first.id, "Pending Approval")
    people.set_status(harbor, "Deliverables Submitted")
    office.run("handoffs poll")


def a_small_limit_is_passed(office: Office) -> None:
    """All dates of many clients were moved into the window at once."""
    office.environment["MAPPING"] = "agency.yaml"
    (office.directory / "agency.yaml").write_text("rules: {effects_per_hour: 4}\n", encoding="utf-8")
    for name in ("Pine Outdoor", "Quartz Gym", "Ruby Travel"):
        office.people.create_portfolio(name, "2026-11-10")
    office.run("handoffs poll")


def a_database_of_a_newer_version(office: Office) -> None:
    """A version that is still to be written has brought the schema up to its own."""
    store = open_store("sqlite:///handoffs.db")
    with store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    store.close()


SITUATIONS: Mapping[str, Callable[[Office], None]] = {
    "a portal in use": Office.portal,
    "the service at work": Office.live,
    **{
        one.__name__.replace("_", " "): one
        for one in (
            nobody_writes_copy, somebody_writes_copy, hubspot_refuses_tasks, hubspot_takes_tasks, task_deleted,
            task_restored, nothing_heard, set_half_ready, a_small_limit_is_passed,
            a_database_of_a_newer_version,
        )
    },
}  # fmt: skip
