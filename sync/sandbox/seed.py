"""The default process in a portal: its objects, properties, stages, associations and people."""

from dataclasses import replace

from mappings.words import spoken
from sync.sandbox.portal import NotFoundError, Portal
from sync.sandbox.process import Names, Option, Process, same
from sync.sandbox.schema import (
    COMPUTED,
    CONTACT,
    CREATED_BY,
    NOTE,
    OWNER,
    TASK,
    TICKET,
    ObjectType,
    Owner,
    Pipeline,
    Property,
    Stage,
)

SCOPES = frozenset(
    {
        "oauth",
        "tickets",
        "crm.objects.custom.read",
        "crm.objects.custom.write",
        "crm.schemas.custom.read",
        "crm.objects.contacts.read",
        "crm.objects.contacts.write",
        "crm.objects.owners.read",
        "crm.schemas.contacts.write",
        "transactional-email",
    }
)
"""What the app is granted (docs/hubspot.md 1.4), with the task property and single-send."""

PEOPLE = (
    ("account_manager", "Amelia", "Marsh"),
    ("social_ad_specialist", "Sasha", "Adler"),
    ("copywriter", "Cody", "Wright"),
    ("graphic_designer", "Grace", "Deluca"),
    ("second_account_manager", "Arthur", "Mills"),
    ("second_designer", "Dana", "Gray"),
    ("deactivated", "Lee", "Vargone"),
)


def install_account(portal: Portal, names: Names | None = None) -> Process:
    """What every account has, people among it, without anything of the process; the app may make schemas."""
    portal.app.scopes = {*SCOPES, "crm.schemas.custom.write"}
    owners, users = _people(portal)
    _standard_objects(portal)
    _support_pipeline(portal)
    _standard_associations(portal)
    return Process(names or Names(), owners, users)


def install_process(portal: Portal, names: Names | None = None, *, with_task_property: bool = False) -> Process:
    """Build the process into an empty portal, and grant the app its scopes."""
    names = names or Names()
    process = install_account(portal, names)
    portal.app.scopes = set(SCOPES)
    _portfolio_object(portal, names)
    _ticket_process(portal, names)
    _associations(portal, names)
    if with_task_property:
        portal.define_property(
            TASK, Property(names.task_property, "Handoff key", group="task_information", hidden=True)
        )
    return process


def settle_in(portal: Portal, process: Process) -> Process:
    """The same process in a portal where somebody else has made it: with the ids of object, pipeline and stages there.

    For the people of the sandbox, once `handoffs setup --sample` has built the process; before that it raises
    `UnknownTypeError` or `NotFoundError`.
    """
    names = process.names
    label = names.pipeline[1]
    pipeline = next((one for one in portal.pipelines[TICKET].values() if one.label == label), None)
    if pipeline is None:
        raise NotFoundError(f"the pipeline {label}")
    found = replace(
        names,
        object_type_id=portal.type(names.object_name).id,
        pipeline=(pipeline.id, label),
        stages=tuple((stage.id, stage.label) for stage in pipeline.stages),
    )
    return replace(process, names=found)


def _people(portal: Portal) -> tuple[dict[str, str], dict[str, int]]:
    owners: dict[str, str] = {}
    users: dict[str, int] = {}
    for n, (role, first, last) in enumerate(PEOPLE):
        owner_id, user_id = str(51_000_011 + 7 * n), 60_000_001 + n
        email = f"{first}.{last}@agency.example".lower()
        portal.define_owner(Owner(owner_id, email, first, last, user_id, archived=role == "deactivated"))
        owners[role] = owner_id
        users[owner_id] = user_id
    return owners, users


def _own(
    name: str, label: str, kind: str = "string", field_type: str = "text", options: tuple[Option, ...] = ()
) -> Property:
    return Property(name, label, kind, field_type, options=options, hubspot_defined=True)  # type: ignore[arg-type]


def _owner_property(name: str, label: str) -> Property:
    return Property(name, label, "enumeration", "select", owner=True)


def _define(portal: Portal, object_type: ObjectType, *properties: Property) -> None:
    portal.define_type(object_type)
    object_type.properties.update({one.name: one for one in (*COMPUTED, *properties)})


def _standard_objects(portal: Portal) -> None:
    created = Property("createdate", "Create date", "datetime", "date", read_only=True, hubspot_defined=True)
    _define(
        portal,
        ObjectType(
            CONTACT,
            "contact",
            "contacts",
            "Contact",
            groups={"contactinformation"},
            default_properties=("email", "firstname", "lastname"),
            display_property="email",
            created_property="createdate",
            legacy_webhooks=True,
        ),
        created,
        OWNER,
        _own("email", "Email"),
        _own("firstname", "First name"),
        _own("lastname", "Last name"),
    )
    _define(
        portal,
        ObjectType(
            TICKET,
            "ticket",
            "tickets",
            "Ticket",
            groups={"ticketinformation"},
            required=("hs_pipeline_stage",),
            default_properties=("subject", "content", "hs_pipeline", "hs_pipeline_stage"),
            display_property="subject",
            created_property="createdate",
            legacy_webhooks=True,
        ),
        created,
        OWNER,
        _own("subject", "Ticket name"),
        _own("content", "Ticket description"),
        _own("hs_pipeline", "Pipeline"),
        _own("hs_pipeline_stage", "Ticket status"),
    )
    _define(
        portal,
        ObjectType(
            TASK,
            "task",
            "tasks",
            "Task",
            groups={"task_information"},
            required=("hs_timestamp",),
            default_properties=("hs_task_subject",),
            display_property="hs_task_subject",
        ),
        OWNER,
        _own("hs_timestamp", "Due date", "datetime", "date"),
        _own("hs_task_subject", "Task title"),
        _own("hs_task_body", "Task notes", "string", "html"),
        _own(
            "hs_task_status", "Task status", "enumeration", "select",
            same("NOT_STARTED", "IN_PROGRESS", "WAITING", "COMPLETED", "DEFERRED"),
        ),
        _own("hs_task_priority", "Priority", "enumeration", "select", same("NONE", "LOW", "MEDIUM", "HIGH")),
        _own("hs_task_type", "Task type", "enumeration", "select", same("TODO", "CALL", "EMAIL")),
        _own("hs_task_reminders", "Reminders"),
        Property("hs_task_completion_date", "Completed at", "datetime", "date", read_only=True, hubspot_defined=True),
    )  # fmt: skip
    _define(
        portal,
        ObjectType(
            NOTE,
            "note",
            "notes",
            "Note",
            groups={"note"},
            required=("hs_timestamp",),
            default_properties=("hs_note_body",),
            display_property="hs_note_body",
        ),
        OWNER,
        _own("hs_timestamp", "Activity date", "datetime", "date"),
        _own("hs_note_body", "Note body", "string", "html"),
        _own("hs_attachment_ids", "Attached media IDs"),
        Property(CREATED_BY, "Created by user ID", "number", "number", read_only=True, hubspot_defined=True),
    )


def _portfolio_object(portal: Portal, names: Names) -> None:
    group = f"{names.object_name}_information"
    object_type = ObjectType(
        names.object_type_id,
        names.object_name,
        names.object_name,
        names.object_label,
        custom=True,
        plural_label=names.object_plural,
        groups={group},
        required=(names.name,),
        default_properties=(names.name,),
        display_property=names.name,
    )
    cadence = Property(
        names.cadence,
        spoken(names.cadence),
        "enumeration" if names.cadences else "number",
        "select" if names.cadences else "number",
        group,
        names.cadences,
    )
    _define(
        portal,
        object_type,
        Property(names.name, "Name", group=group),
        Property(names.status, spoken(names.status), "enumeration", "select", group, names.statuses),
        Property(names.date, spoken(names.date), "date", "date", group),
        cadence,
        Property(names.link, spoken(names.link), group=group),
        *(
            Property(name, name, "enumeration", "select", group, same(*filter(None, values), "Other"))
            for name, values in names.conditions.items()
        ),
        _owner_property(names.account_manager, "Account Manager"),
        _owner_property(names.social_ad_specialist, "Social Ad Specialist"),
        _owner_property(names.copywriter, "Copywriter"),
        _owner_property(names.graphic_designer, "Graphic Designer"),
        OWNER,
    )


def _support_pipeline(portal: Portal) -> None:
    """The one that every account begins with."""
    support = ("0", "Support Pipeline")
    portal.define_pipeline(
        TICKET,
        Pipeline(
            *support,
            (
                Stage("1", "New"),
                Stage("2", "Waiting on contact"),
                Stage("3", "Waiting on us"),
                Stage("4", "Closed", closed=True),
            ),
        ),
    )


def _ticket_process(portal: Portal, names: Names) -> None:
    last = names.stages[-1]
    portal.define_pipeline(
        TICKET, Pipeline(*names.pipeline, tuple(Stage(*one, closed=one == last) for one in names.stages))
    )
    group = "ticketinformation"
    for one in (
        Property(names.folder, spoken(names.folder), group=group),
        Property(names.needs_revisions, spoken(names.needs_revisions), "enumeration", "select", group, names.revisions),
        Property(names.copy_approval, spoken(names.copy_approval), "enumeration", "select", group, names.approvals),
        Property(
            names.graphic_approval, spoken(names.graphic_approval), "enumeration", "select", group, names.approvals
        ),
        *(_owner_property(name, label) for name, label in _ticket_owners(names)),
    ):
        portal.define_property(TICKET, one)


def _ticket_owners(names: Names) -> list[tuple[str, str]]:
    """The owner properties of tickets with their labels; none where the portal's tickets name nobody."""
    both = ((names.ticket_copywriter, "Copywriter"), (names.ticket_graphic_designer, "Graphic Designer"))
    return [(name, label) for name, label in both if name]


def _standard_associations(portal: Portal) -> None:
    """The same ids in every account: HubSpot's own."""
    portal.define_association(TASK, TICKET, (230, 229))
    portal.define_association(NOTE, TICKET, (228, 227))
    portal.define_association(TASK, CONTACT, (204, 203))
    portal.define_association(NOTE, CONTACT, (202, 201))
    portal.define_association(TICKET, CONTACT, (16, 15))


def _associations(portal: Portal, names: Names) -> None:
    """Those of a custom object, whose ids differ from portal to portal."""
    portfolio = names.object_type_id
    if portal.quirks.primary_label is not None:
        portal.define_association(
            TICKET, portfolio, (73, 74), label=portal.quirks.primary_label, category="USER_DEFINED", primary=True
        )
    portal.define_association(TICKET, portfolio, (71, 72), category="USER_DEFINED")
    portal.define_association(TICKET, portfolio, (75, 76), label="Reference material", category="USER_DEFINED")
    portal.define_association(TASK, portfolio, (81, 82))
    portal.define_association(NOTE, portfolio, (83, 84))
    portal.define_association(portfolio, CONTACT, (85, 86), category="USER_DEFINED")
