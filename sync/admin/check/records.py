"""What the portal's records have: the portfolio's object, the properties of portfolios, tickets and tasks, associations."""

from mappings.vocabulary import KeyCarrier
from sync.admin.check import properties
from sync.admin.check.deployment import Deployment, Misfits, Path, SkippedError
from sync.admin.check.properties import Named
from sync.admin.setup import OTHER_SCOPE, SCOPE
from sync.crm import SOURCE, Kind
from sync.errors import MappingMisfitError
from sync.passes.portal import read_definitions


def portfolio_object(deployment: Deployment, misfits: Misfits) -> str:
    """Find the portfolio's object by the mapping's name for it."""
    name = deployment.mapping.portfolio.object
    try:
        type_id = deployment.crm.type_id(Kind.PORTFOLIO)
    except MappingMisfitError as error:
        misfits.error(
            ("portfolio", "object"),
            str(error),
            "write the object's name, label or type id as HubSpot shows it (Settings > Objects)",
        )
        raise SkippedError from None
    deployment.has_object = True
    return f"{name} is {type_id}"


def portfolio(deployment: Deployment, misfits: Misfits) -> str:
    """Compare the portfolio's properties, statuses and cadences with the mapping."""
    if not deployment.has_object:
        raise SkippedError
    mapping, names = deployment.mapping.portfolio, deployment.mapping.portfolio.properties
    known = read_definitions(deployment.crm, deployment.mapping, Kind.PORTFOLIO)
    has = properties.look_up_all(misfits, Kind.PORTFOLIO, names, known)
    properties.expect_text(misfits, has[names.name])
    properties.expect_date(misfits, has[names.refresh_date])
    properties.expect_writable(misfits, has[names.refresh_date])
    properties.expect_writable(misfits, has[names.status])
    at: Path = ("portfolio", "statuses")
    if properties.expect_choice(misfits, has[names.status]):
        for status, value in mapping.statuses.items():
            properties.expect_option(misfits, (*at, status.value), value, has[names.status])
        properties.note_same_values(misfits, at, mapping.statuses)
        then = "while it is so, no rule fires"
        properties.report_unnamed(misfits, at, has[names.status], mapping.statuses.values(), then)
    properties.compare_cadences(misfits, has[names.cadence], deployment.mapping.cadence)
    for role, name in mapping.owners.items():
        found = properties.look_up(misfits, Kind.PORTFOLIO, ("portfolio", "owners", role.value), name, known)
        properties.expect_owner(misfits, found)
    for n, condition in enumerate(mapping.condition):
        at = ("portfolio", "condition", n)
        found = properties.look_up(misfits, Kind.PORTFOLIO, (*at, "property"), condition.property, known)
        properties.expect_single(misfits, found)
        for m, value in enumerate(condition.values):
            properties.expect_option(misfits, (*at, "in", m), value, found)
    count = len(has) + len(mapping.owners) + len(mapping.condition)
    return f"{count} properties, {len(mapping.statuses)} statuses"


def ticket(deployment: Deployment, misfits: Misfits) -> str:
    """Compare the ticket's properties and values with the mapping."""
    mapping, names = deployment.mapping.ticket, deployment.mapping.ticket.properties
    known = read_definitions(deployment.crm, deployment.mapping, Kind.TICKET)
    has = properties.look_up_all(misfits, Kind.TICKET, names, known)
    properties.expect_text(misfits, has[names.subject])
    properties.expect_text(misfits, has[names.folder], or_choice=True)
    revisions = has[names.needs_revisions]
    properties.expect_writable(misfits, revisions)
    at: Path = ("ticket", "revisions")
    if properties.expect_choice(misfits, revisions):
        for revision, value in mapping.revisions.items():
            properties.expect_option(misfits, (*at, revision.value), value, revisions)
        properties.note_same_values(misfits, at, mapping.revisions)
        then = "such a request is only reported"
        properties.report_unnamed(misfits, at, revisions, mapping.revisions.values(), then)
    for approval in (has[names.copy_approval], has[names.graphic_approval]):
        properties.expect_writable(misfits, approval)
        if properties.expect_choice(misfits, approval):
            properties.expect_option(misfits, ("ticket", "approval_reset"), mapping.approval_reset, approval)
            properties.expect_option(misfits, ("ticket", "approved"), mapping.approved, approval)
    for role, name in mapping.owners.items():
        at = ("ticket", "owners", role.value)
        if name in known:
            properties.expect_owner(misfits, Named(at, known[name]))
        else:
            misfits.warning(
                at,
                f"tickets have no property “{name}”: the portfolio's {role.value} gets the work",
                "if that is meant, write `owners: {}` under `ticket`; else create it in HubSpot, as a user property",
            )
    return f"{len(has)} properties, {len(mapping.revisions)} revisions"


def task(deployment: Deployment, misfits: Misfits) -> str:
    """Look for what carries each task's key: the property, or what tells one of the service's bodies from a copy."""
    task, known = deployment.mapping.task, deployment.crm.properties(Kind.TASK)
    name = task.key_property
    if task.key_carrier is KeyCarrier.BODY:
        if SOURCE not in known:
            misfits.warning(
                ("task", "key_carrier"),
                f"tasks do not say what they were made by (“{SOURCE}”): a copy that a person makes of a task may pass for it",
                f"write `key_carrier: property`, if the portal takes the property “{name}”",
            )
        return "a mark in the body carries the key (key_carrier: body)"
    key: Path = ("task", "key_property")
    definition = known.get(name)
    if definition is None:
        misfits.error(
            key,
            f"tasks have no property “{name}” to carry their key",
            f"run `handoffs setup --apply` (it needs the scope {SCOPE}, or {OTHER_SCOPE}); or write `key_carrier: body` under "
            "`task`: then none is needed",
        )
    elif definition.type != "string":
        misfits.error(
            key,
            f"the task property “{name}” is of the type {definition.type}, and a key is text",
            "write a name that no property has yet, then run `handoffs setup --apply`",
        )
    return name


def associations(deployment: Deployment, misfits: Misfits) -> str:
    """Ask for every type of association that the service reads or makes."""
    if not deployment.has_object:
        raise SkippedError
    pairs = (
        (Kind.PORTFOLIO, Kind.TICKET),
        (Kind.TICKET, Kind.PORTFOLIO),
        (Kind.TASK, Kind.PORTFOLIO),
        (Kind.TASK, Kind.TICKET),
        (Kind.NOTE, Kind.PORTFOLIO),
        (Kind.NOTE, Kind.TICKET),
    )
    for source, target in pairs:
        try:
            deployment.crm.association_type(source, target)
        except MappingMisfitError:
            misfits.error(
                ("portfolio", "object"),
                f"{source}s cannot be associated to {target}s",
                "allow it in HubSpot (Settings > Objects > the portfolio's object > Associations)",
            )
    return "portfolios, tickets, tasks and notes"
