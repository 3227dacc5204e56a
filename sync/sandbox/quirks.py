"""The behaviours of HubSpot that could not be confirmed, one switch each.

The defaults are the most plausible ones. docs/hubspot.md marks these with "(?)"; a few more stand here because public
payloads disagree. Production code has to be right whichever way a switch stands.
"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Quirks:
    # --- values and history ("Reading and writing")
    history_limit: int | None = 20
    """Versions kept for each property; None keeps all."""
    unchanged_write_makes_version: bool = False
    """Writing the value that is already there makes a version and an event."""
    unchanged_write_touches_modified: bool = False
    """Writing the value that is already there moves `hs_lastmodifieddate`."""
    cleared_reads_as: Literal["null", "empty"] = "null"
    """How a property that was set once and then cleared reads; one never set is always null."""
    empty_history: Literal["list", "absent"] = "list"
    """What `propertiesWithHistory` shows for a property that was never set."""
    date_values: Literal["iso", "ms"] = "iso"
    """How `date` properties read: `YYYY-MM-DD`, or milliseconds at midnight UTC."""
    history_date_values: Literal["iso", "ms"] = "iso"
    """The same for the versions of their history."""
    reject_archived_owner: bool = False
    """A write that names a deactivated owner is a 400; one that names nobody always is."""

    unknown_property_read: Literal["ignored", "refused"] = "ignored"
    """A read that asks for a property the object does not have: without a word, or a 400."""

    # --- batches ("Reading and writing")
    batch_read_problems: Literal["207", "200", "left out"] = "207"
    """How a batch read tells of inputs that do not exist or have no associations: by errors in a 207, by errors in a 200, or
    not at all: they are left out of a 200."""
    no_associations: Literal["problem", "empty list"] = "problem"
    """How an association read tells of a record that has none: as `batch_read_problems` has it, or by `to: []`."""
    batch_write_problems: Literal["207", "200", "left out"] = "207"
    """How a batch write tells of single rows that failed: by errors in a 207, by errors in a 200, or not at all: they are
    left out of an answer without errors."""
    create_partial_failure: Literal["trace", "always", "never"] = "trace"
    """Batch create answers 207 for single bad rows: with distinct `objectWriteTraceId`s, always, or never (400)."""
    update_partial_failure: Literal["trace", "always", "never"] = "trace"
    """The same for batch update. Missing ids are 207 errors in any case."""
    group_missing_ids: bool = True
    """All missing ids of a batch are named in one error, rather than in one each."""
    group_no_associations: bool = False
    """The same for NO_ASSOCIATIONS_FOUND."""
    merged_read_duplicates: bool = False
    """A batch read that names both ends of a merge answers with the survivor twice."""
    inline_association_to_missing: Literal["reject", "ignore"] = "reject"
    """A create whose inline association names a record that does not exist."""
    association_inputs: Literal[1000, 100] = 1000
    """How many inputs an association read takes; one with more is a 400."""
    unique_task_property: bool = True
    """A property with `hasUniqueValue` can be created on tasks; otherwise that is a 400."""
    unique_refused_as: Literal["400", "409"] = "400"
    """How a write is refused whose unique value another record has: a validation error, or a conflict that names it."""
    task_properties: Literal["accepted", "visible", "refused"] = "accepted"
    """Whether properties of tasks can be made, a beta: any, only those that are not hidden, or none; otherwise that is a 400."""
    task_property_scope: str | None = "crm.schemas.contacts.write"
    """The scope that creating a task property asks for; None asks for none."""

    # --- associations
    association_ids: Literal["number", "string"] = "number"
    """The JSON type of `toObjectId` in association reads."""
    primary_label: str | None = "Primary"
    """The label of the extra type that marks a primary association; None: the portal has no primary type."""
    missing_association_sub_category: str = "crm.associations.INVALID_OBJECT_IDS"
    """The subCategory of an association read from a record that does not exist (any more)."""
    merged_association_from: Literal["survivor", "asked"] = "survivor"
    """Which id an association read shows for a record that was merged into another."""
    association_touches_modified: bool = False
    """Linking two records moves their `hs_lastmodifieddate`."""
    merge_keeps_primary: bool = False
    """A merge leaves the primary under its own id, as in older portals; else a new record (`newObjectId`) is made."""
    merge_writes_version: bool = True
    """A merge writes a version of its own where the histories of both do not end in the value that is left."""

    # --- search
    search_lag_seconds: float = 5.0
    """Virtual seconds until the index shows a write."""
    search_by_source: bool = True
    """A search may ask for `hs_object_source` and `hs_object_source_id`; else that is a 400."""
    search_in_wants_lower_case: bool = True
    """IN and NOT_IN on a string property match only values given in lower case (HubSpot's search guide)."""

    # --- webhooks
    cleared_event_value: Literal["empty", "null", "absent"] = "empty"
    """`propertyValue` of an event for a property that was cleared."""
    date_event_values: Literal["iso", "ms"] = "ms"
    """`propertyValue` of an event for a date property."""
    association_event_object_id: bool = False
    """Association events carry `objectId`, the id of the side they are for."""
    custom_object_webhooks: bool = True
    """Events of custom objects are delivered to a project app at all."""
    event_ids_collide: bool = True
    """`eventId`s are drawn from a small range, so that they repeat."""
    creation_sends_property_changes: bool = True
    """A creation is followed by a propertyChange for each property it sets."""
    archive_sends_association_events: bool = False
    """Archiving and restoring send associationChange events for what the record was associated to."""
    merge_sends_deletion: bool = False
    """A merge sends a deletion for each record that was merged away."""

    # --- others
    single_send_repeat: Literal["ok", "error"] = "ok"
    """The answer to a `sendId` that was used before: 200 without a second email, or 400."""
    single_send_end: str = "SENT"
    """What becomes of an email that was taken, as its status tells later: SENT, or why not (PREVIOUSLY_BOUNCED, …)."""
    single_send_seconds: float = 0.0
    """Virtual seconds until that is told; until then the status is PENDING."""
    single_send_status: Literal["told", "missing"] = "told"
    """Whether the status of an email can be read, or is a 404."""
    stage_metadata: Literal["both", "ticketState", "isClosed"] = "both"
    """Which of the two facts a pipeline stage's metadata carries."""
    notes_have_owners: bool = True
    """Whoever logs a Note in HubSpot becomes its owner (`hubspot_owner_id`); who made it stands there in any case."""
    assignment_email: bool = False
    """HubSpot itself mails an owner about a task assigned through the API."""
