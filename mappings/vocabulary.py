"""The words that rules, mapping and texts share. The CRM's own names for them stand in the mapping file."""

from enum import StrEnum


class Handoff(StrEnum):
    """The ten handoffs, numbered as in the teams' article."""

    KICKOFF = "1"
    DECLINED = "2a"
    CONFIRMED = "2b"
    DATE_ARRIVED = "3"
    TICKETS = "4"
    SET_READY = "5"
    REVISIONS = "6"
    APPROVED = "7"
    CLOSE = "8"
    CONFIRMATION = "9"

    @property
    def headline(self) -> str:
        """What the handoff is called in a line: `Kickoff`, `The client declines`."""
        return _HEADLINES[self]


_HEADLINES: dict[Handoff, str] = {
    Handoff.KICKOFF: "Kickoff",
    Handoff.DECLINED: "The client declines",
    Handoff.CONFIRMED: "The client confirms",
    Handoff.DATE_ARRIVED: "The date arrives",
    Handoff.TICKETS: "Tickets created",
    Handoff.SET_READY: "The Ad Set is ready",
    Handoff.REVISIONS: "Revisions",
    Handoff.APPROVED: "The client approves",
    Handoff.CLOSE: "The cycle closes",
    Handoff.CONFIRMATION: "Confirmation",
}


class Status(StrEnum):
    """The Creative Refresh Status, in the order of the process. An empty status is `None`, never a member."""

    REFRESH_REQUEST_SUBMITTED = "refresh_request_submitted"
    NO_REFRESH_REQUESTED = "no_refresh_requested"
    DELIVERABLES_SUBMITTED = "deliverables_submitted"
    CREATIVES_PENDING_APPROVAL = "creatives_pending_approval"
    CREATIVES_APPROVED = "creatives_approved"
    CREATIVES_IMPLEMENTED = "creatives_implemented"
    UNMAPPED = "unmapped"  # a value in the CRM that the mapping does not name; no rule fires on it


class Kept(StrEnum):
    """The properties of the CRM of which every version is kept, in the process's words."""

    STATUS = "status"
    REFRESH_DATE = "refresh_date"
    PIPELINE = "pipeline"
    STAGE = "stage"
    NEEDS_REVISIONS = "needs_revisions"
    COPY_APPROVAL = "copy_approval"
    GRAPHIC_APPROVAL = "graphic_approval"


class Step(StrEnum):
    """Where a portfolio stands in the process, in its order: what people see as one column after the other."""

    BETWEEN = "between"  # between two refreshes: the next kickoff is awaited, or there is no date
    KICKOFF = "kickoff"  # the client is asked whether they want a refresh
    CONFIRMED = "confirmed"  # they do, and the Refresh Date is awaited
    TICKETS = "tickets"  # the date has come: the deliverable tickets are to be created
    PRODUCTION = "production"  # the Creative Team is at work on tickets
    REVISIONS = "revisions"  # the same, and on what the client wants changed
    REVIEW = "review"  # every ticket is ready: the client is to approve
    IMPLEMENTATION = "implementation"  # the client has approved: the creatives are to go live

    @property
    def headline(self) -> str:
        """What the step is called: `Asking the client`, `In production`."""
        return _STEPS[self]


_STEPS: dict[Step, str] = {
    Step.BETWEEN: "Between refreshes",
    Step.KICKOFF: "Asking the client",
    Step.CONFIRMED: "Waiting for the date",
    Step.TICKETS: "Tickets to be created",
    Step.PRODUCTION: "In production",
    Step.REVISIONS: "In revision",
    Step.REVIEW: "With the client",
    Step.IMPLEMENTATION: "Going live",
}


class Role(StrEnum):
    ACCOUNT_MANAGER = "account_manager"
    SOCIAL_AD_SPECIALIST = "social_ad_specialist"
    COPYWRITER = "copywriter"
    GRAPHIC_DESIGNER = "graphic_designer"


class KeyCarrier(StrEnum):
    """What of a task carries the key of the effect that made it."""

    PROPERTY = "property"  # a text property of its own
    BODY = "body"  # a mark at the end of its body


class Stage(StrEnum):
    """A ticket's stage, as far as a rule cares."""

    IN_PROGRESS = "in_progress"
    PENDING_APPROVAL = "pending_approval"
    OTHER = "other"


class Revision(StrEnum):
    """What Needs Revisions asks for. Empty is `None`, never a member."""

    COPY = "copy"
    GRAPHIC = "graphic"
    COPY_AND_GRAPHIC = "copy_and_graphic"
    UNMAPPED = "unmapped"  # a value that the mapping does not name: reported, nothing is written


class TaskKind(StrEnum):
    """The tasks that the service makes; each has its texts, due date and priority in the mapping."""

    KICKOFF = "kickoff"
    CREATE_TICKETS = "create_tickets"
    WRITE_COPY = "write_copy"
    DESIGN_GRAPHICS = "design_graphics"
    SHARE_DELIVERABLES = "share_deliverables"
    REVISE_COPY = "revise_copy"
    REVISE_GRAPHICS = "revise_graphics"
    IMPLEMENT = "implement"


class EmailKind(StrEnum):
    """The emails that the service sends; each has its texts in the mapping."""

    KICKOFF = "kickoff"
    DATE_ARRIVED = "date_arrived"
    SET_READY_ACCOUNT_MANAGER = "set_ready_account_manager"
    SET_READY_SOCIAL_AD_SPECIALIST = "set_ready_social_ad_specialist"
    CLIENT_APPROVED = "client_approved"
    REFRESH_LIVE = "refresh_live"
