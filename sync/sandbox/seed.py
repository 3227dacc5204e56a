"""The default process in a portal: the objects, properties, stages and people of docs/process.md, "The CRM's names".

Every name is a field of `Names`, so that a portal with other names, or with internal values that differ from the
labels, can be made as well.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from mappings.words import spoken
from sync.sandbox.portal import Link, NotFoundError, Portal
from sync.sandbox.schema import (
    COMPUTED,
    CONTACT,
    CREATED_BY,
    NOTE,
    OWNER,
    TASK,
    TICKET,
    Actor,
    ObjectType,
    Owner,
    Pipeline,
    Property,
    Stage,
)

ROLES = ("account_manager", "social_ad_specialist", "copywriter", "graphic_designer")
TASK_PROPERTY = "handoff_key"
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

Option = tuple[str, str]
"""Internal value and label."""


def same(*labels: str) -> tuple[Option, ...]:
    """Options whose internal values equal their labels."""
    return tuple((label, label) for label in labels)


@dataclass(frozen=True, slots=True)
class Names:
    """The CRM's names. The order of `statuses`, `stages` and `revisions` is fixed; their values and labels are free."""

    object_type_id: str = "2-1234567"
    object_name: str = "creative_portfolios"
    object_label: str = "Creative Portfolio"
    object_plural: str = "Creative Portfolios"
    name: str = "name"
    status: str = "creative_refresh_status"
    date: str = "creative_refresh_date"
    cadence: str = "creative_refresh_cadence"
    link: str = "most_recent_ad_lab_link"
    account_manager: str = "account_manager"
    social_ad_specialist: str = "social_ad_specialist"
    copywriter: str = "copywriter"
    graphic_designer: str = "graphic_designer"
    statuses: tuple[Option, ...] = same(
        "Refresh Request Submitted",
        "No Refresh Requested",
        "Deliverables Submitted",
        "Creatives Pending Approval",
        "Creatives Completed & Approved",
        "Creatives Implemented",
    )
    cadences: tuple[Option, ...] = same(
        "Weekly",
        "Every 2 weeks",
        "Every 3 weeks",
        "Every 4 weeks",
        "Every 6 weeks",
        "Every 8 weeks",
        "Monthly",
        "Every 2 months",
        "Quarterly",
    )
    """Empty: the cadence is a number of days."""
    pipeline: Option = ("880001", "Deliverables")
    stages: tuple[Option, ...] = (
        ("880011", "New"),
        ("880012", "In Progress"),
        ("880013", "Pending Approval"),
        ("880014", "Approved"),
        ("880015", "Closed"),
    )
    """The last one is closed."""
    folder: str = "deliverable_folder_name"
    needs_revisions: str = "needs_revisions"
    copy_approval: str = "copy_approval"
    graphic_approval: str = "graphic_approval"
    ticket_copywriter: str = "copywriter"
    ticket_graphic_designer: str = "graphic_designer"
    revisions: tuple[Option, ...] = same("Copy Revisions Only", "Graphic Revisions Only", "Copy and Graphic Revisions")
    approvals: tuple[Option, ...] = same("Not Started", "Team Lead QA", "Approved")
    implement_subject: str = "Implement New Creatives for Refresh"
    task_property: str = TASK_PROPERTY
    role_labels: tuple[Option, ...] = ()
    """What the agency calls each role: the sandbox's commands take these words too."""
    condition: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Properties of a portfolio besides these, each with the values that it may have for the process to count."""

    @property
    def conditions(self) -> dict[str, tuple[str, ...]]:
        """Those of `condition` that are no property of the process itself."""
        own = {self.name, self.status, self.date, self.cadence, self.link, *(getattr(self, role) for role in ROLES)}
        return {name: values for name, values in self.condition if name not in own}

    @property
    def inside(self) -> dict[str, str]:
        """What a portfolio has that counts."""
        return {name: values[0] for name, values in self.conditions.items()}


@dataclass(frozen=True, slots=True)
class Process:
    """What was installed. `owners` maps each role to the default person's owner id, and has a few others."""

    names: Names = field(default_factory=Names)
    owners: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, int] = field(default_factory=dict)
    """User ids by owner id."""
    admin: int = 60_000_000
    """The user who acts where no person is named."""

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> "Process":
        names: dict[str, Any] = {name: _tuples(value) for name, value in raw["names"].items()}
        return cls(Names(**names), dict(raw["owners"]), dict(raw["users"]), int(raw["admin"]))

    def status(self, label: str) -> str:
        """The internal value of a status, from label or value; '' stays ''."""
        return _value(self.names.statuses, label)

    def cadence(self, label: str) -> str:
        return _value(self.names.cadences, label) if self.names.cadences else label

    def revision(self, label: str) -> str:
        return _value(self.names.revisions, label)

    def stage(self, label: str) -> str:
        """The id of a stage of the deliverables pipeline, from label or id."""
        return _value(self.names.stages, label)


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


def _tuples(value: Any) -> Any:
    """What JSON has made lists of."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _value(options: tuple[Option, ...], wanted: str) -> str:
    for value, label in options:
        if wanted in (value, label):
            return value
    return wanted  # not of the process: HubSpot decides


# --- a portal that has been in use


# The places of the statuses in `Names.statuses`.
_REQUESTED, _DECLINED, _SUBMITTED, _PENDING, _APPROVED, _IMPLEMENTED = range(6)


@dataclass(frozen=True, slots=True)
class _Past:
    """One portfolio being given a past."""

    portal: Portal
    process: Process
    rng: random.Random
    now: datetime
    number: int

    def day(self, days: int) -> str:
        local = self.now.astimezone(ZoneInfo(self.portal.account.time_zone)).date()
        return (local + timedelta(days=days)).isoformat()

    def portfolio(self, date: str, *, created: int = 200) -> int:
        names, owners = self.process.names, self.process.owners
        properties = {
            names.name: f"Client {self.number:04d}",
            names.date: date,
            names.cadence: self.rng.choice(names.cadences)[0] if names.cadences else "30",
            names.link: f"https://lab.example/{self.number}" if self.rng.random() < 0.8 else "",
            **{getattr(names, role): owners[role] for role in ROLES},
            **names.inside,
        }
        with self.ago(created):
            return self.portal.create(names.object_type_id, properties, self.user("account_manager")).id

    def ago(self, days: float) -> Any:
        return self.portal.as_of(self.now - timedelta(days=days, seconds=self.rng.randrange(3600)))

    def user(self, role: str) -> Actor:
        return Actor.user(self.process.users[self.process.owners[role]])

    def set(self, days_ago: float, type_id: str, record: int, role: str, **properties: str) -> None:
        with self.ago(days_ago):
            self.portal.update(type_id, record, properties, self.user(role))

    def status(self, days_ago: float, portfolio: int, place: int, role: str = "account_manager") -> None:
        names = self.process.names
        value = names.statuses[place][0]
        self.set(days_ago, names.object_type_id, portfolio, role, **{names.status: value})

    def note(self, days_ago: float, portfolio: int, text: str) -> None:
        with self.ago(days_ago):
            moment = str(self.portal.now_ms())
            link = Link(self.process.names.object_type_id, portfolio, ())
            properties = {"hs_note_body": text, "hs_timestamp": moment}
            self.portal.create(NOTE, properties, self.user("account_manager"), [link])

    def tickets(self, days_ago: float, portfolio: int, count: int) -> list[int]:
        names = self.process.names
        made = []
        for n in range(count):
            with self.ago(days_ago):
                properties = {
                    "subject": f"Deliverable {n + 1} for client {self.number:04d}",
                    "hs_pipeline": names.pipeline[0],
                    "hs_pipeline_stage": names.stages[1][0],
                    names.folder: f"Ad set {self.number:04d}",
                }
                link = Link(names.object_type_id, portfolio, ())
                made.append(self.portal.create(TICKET, properties, self.user("social_ad_specialist"), [link]).id)
        return made

    def task(self, days_ago: float, portfolio: int, subject: str, role: str) -> None:
        with self.ago(days_ago):
            properties = {
                "hs_task_subject": subject,
                "hs_timestamp": str(self.portal.now_ms()),
                "hs_task_status": "NOT_STARTED",
                "hubspot_owner_id": self.process.owners[role],
            }
            link = Link(self.process.names.object_type_id, portfolio, ())
            self.portal.create(TASK, properties, Actor.workflow(7_001), [link])

    def finish(self, days_ago: float, tickets: list[int]) -> None:
        for one in tickets:
            stage = self.process.names.stages[2][0]
            self.set(days_ago, TICKET, one, "graphic_designer", hs_pipeline_stage=stage)


def _quiet(past: _Past) -> int:
    return past.portfolio(past.day(past.rng.randint(17, 80)))


def _in_window(past: _Past) -> int:
    return past.portfolio(past.day(past.rng.randint(1, 15)))


def _declined_before(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-30 + past.rng.randint(1, 14)))
    past.status(33, portfolio, _DECLINED)
    names = past.process.names
    later = past.day(past.rng.randint(1, 14))
    past.set(33, names.object_type_id, portfolio, "account_manager", **{names.date: later})
    return portfolio


def _confirmed(past: _Past) -> int:
    portfolio = past.portfolio(past.day(past.rng.randint(1, 12)))
    past.note(2, portfolio, "<p>Client wants brighter colours &amp; a spring theme.</p>")
    past.status(1, portfolio, _REQUESTED)
    return portfolio


def _date_come(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-past.rng.randint(0, 2)))
    past.note(4, portfolio, "<p>Same as last time.</p>")
    past.status(3, portfolio, _REQUESTED)
    return portfolio


def _submitted(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-past.rng.randint(4, 8)))
    past.status(9, portfolio, _REQUESTED)
    past.tickets(3, portfolio, past.rng.randint(1, 4))
    past.status(2, portfolio, _SUBMITTED, "social_ad_specialist")
    return portfolio


def _partly_done(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-past.rng.randint(6, 9)))
    tickets = past.tickets(5, portfolio, 3)
    past.status(4, portfolio, _SUBMITTED, "social_ad_specialist")
    past.finish(1, tickets[:2])
    return portfolio


def _shared(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-past.rng.randint(8, 11)))
    tickets = past.tickets(7, portfolio, 3)
    past.status(6, portfolio, _SUBMITTED, "social_ad_specialist")
    past.finish(2, tickets)
    past.status(1, portfolio, _PENDING)
    return portfolio


def _in_revision(past: _Past) -> int:
    portfolio = _shared(past)
    names = past.process.names
    record = past.portal.get(names.object_type_id, portfolio)
    first = next(iter(past.portal.linked(record, TICKET)))
    wanted = past.rng.choice(names.revisions)[0]
    past.set(
        0.5,
        TICKET,
        first,
        "account_manager",
        **{names.needs_revisions: wanted, "hs_pipeline_stage": names.stages[1][0]},
    )
    return portfolio


def _approved(past: _Past) -> int:
    portfolio = _shared(past)
    past.status(0.5, portfolio, _APPROVED)
    past.task(0.4, portfolio, past.process.names.implement_subject, "social_ad_specialist")
    return portfolio


def _closed(past: _Past) -> int:
    portfolio = past.portfolio(past.day(-30))
    past.status(12, portfolio, _APPROVED)
    past.status(9, portfolio, _IMPLEMENTED, "social_ad_specialist")
    names = past.process.names
    past.set(
        8.9,
        names.object_type_id,
        portfolio,
        "social_ad_specialist",
        **{names.status: "", names.date: past.day(past.rng.randint(18, 27))},
    )
    return portfolio


SITUATIONS: Mapping[str, Callable[[_Past], int]] = {
    "quiet": _quiet,
    "in window": _in_window,
    "declined before": _declined_before,
    "confirmed": _confirmed,
    "date come": _date_come,
    "deliverables submitted": _submitted,
    "partly pending approval": _partly_done,
    "pending approval": _shared,
    "in revision": _in_revision,
    "approved": _approved,
    "closed": _closed,
}
"""Every stage of the cycle, in its order."""


def populate(portal: Portal, process: Process, count: int, rng: random.Random) -> dict[str, list[int]]:
    """Make `count` portfolios, spread evenly over `SITUATIONS`, with a past and without webhooks; ids by situation."""
    made: dict[str, list[int]] = {name: [] for name in SITUATIONS}
    with portal.lock:
        listeners, portal.listeners = portal.listeners, []
        try:
            for n in range(count):
                name = list(SITUATIONS)[n % len(SITUATIONS)]
                past = _Past(portal, process, rng, portal.clock.now(), n + 1)
                made[name].append(SITUATIONS[name](past))
        finally:
            portal.listeners = listeners
        portal.index.flush()
    return made
