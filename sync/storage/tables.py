"""Every table of the database: its constraints are the guarantees, and what it promises stands beside it.

Times are integers, milliseconds since the epoch, UTC.

PostgreSQL has the keys of `occurrence` and `effect` by hash, and a trigger for the foreign key between them: an announcement's
key names each ticket of its Ad Set, and a B-tree there takes 2,704 bytes (migration 0024).
"""

from sqlalchemy import (
    DDL,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    event,
    text,
)

metadata = MetaData()

_IS_GONE = text("state = 'gone'")
_IS_OPEN = text("state = 'open'")
_IS_ADOPTED = text("adopted = 1")
_IS_PENDING = text("pending IS NOT NULL")

# What the service remembers of itself: one value a name; `service_state` lists them.
service_state = Table("fact", metadata, Column("name", String, primary_key=True), Column("value", Text, nullable=False))

# A webhook delivery, raw. One row a body that held at least one new event.
deliveries = Table(
    "delivery",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("received_at", BigInteger, nullable=False, index=True),
    Column("body", LargeBinary, nullable=False),
    Column("pending", Integer),  # 1: it is still to be unpacked; 2: it could not be; null: its events are in `event`
    Column("error", Text),  # why it could not be unpacked
    Index(
        "delivery_pending", "pending", sqlite_where=_IS_PENDING, postgresql_where=_IS_PENDING
    ),  # few: not yet unpacked
)

# One row an event, ever: the identity is a key, so a doubled delivery stores and enqueues nothing.
events = Table(
    "event",
    metadata,
    Column("identity", String, primary_key=True),
    Column("delivery", Integer, ForeignKey("delivery.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("received_at", BigInteger, nullable=False, index=True),
    Column("occurred_at", BigInteger),
    Column("subscription", String, nullable=False),
    Column("object_type", String, nullable=False),
    Column("object_id", String, nullable=False, index=True),
    Column("own", Integer, nullable=False),  # 1: the service's own change coming back
    Column("raw", Text, nullable=False),
)

# The work queue: one row a record. It is removed only if `generation` is still what the pass leased.
work_items = Table(
    "dirty",
    metadata,
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("lane", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("priority", Integer, nullable=False),  # 0 interactive (webhook, poll), 1 bulk (sweep, backfill)
    Column("marked_at", BigInteger, nullable=False),  # when it was enqueued
    Column("origin", String, nullable=False),  # webhook, poll, sweep, replay, …: who enqueued it
    Column("look_at", BigInteger, nullable=False),  # not before this moment
    Column("attempts", Integer, nullable=False),  # failed passes in a row
    Column("parked_at", BigInteger),  # set: no more tries until an admin says so
    Column("held_effects", Integer),  # set: the breaker holds so many effects of this record
    Column("error", Text),  # why the last pass failed
    Index("dirty_due", "lane", "parked_at", "look_at"),
)

# One row an occurrence: a handoff fires once a key, ever.
occurrences = Table(
    "occurrence",
    metadata,
    Column("key", String, primary_key=True),
    Column("handoff", String, nullable=False),
    Column("record_kind", String, nullable=False),
    Column("record", String, nullable=False),
    Column("portfolio", String),  # null: a ticket without a portfolio
    Column("cycle", String, nullable=False),
    Column("cause_at", BigInteger),  # when the cause stood in the CRM, where it has a moment
    Column("decided_at", BigInteger, nullable=False),
    Column("origin", String, nullable=False),
    Column("state", String, nullable=False),  # open, done, overtaken, withdrawn, gone
    Column("reason", Text, nullable=False),
    Column("detail", Text, nullable=False),  # JSON: what the rule must remember (the entries that it announced, …)
    Column("mapping", String),  # the digest of the mapping that decided it; null: taken back, adopted, or before 0.5
    Index("occurrence_portfolio", "portfolio"),
    Index("occurrence_record", "record_kind", "record"),
    Index("occurrence_decided", "decided_at"),
    # What is still to be done for a portfolio, however much was done for it: PostgreSQL's way to it.
    Index("occurrence_open", "portfolio", sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN),
    Index("occurrence_of_handoff", "handoff", "decided_at", "portfolio"),  # which portfolios tickets came to of late
    Index(
        "occurrence_gone", "record", sqlite_where=_IS_GONE, postgresql_where=_IS_GONE
    ),  # few: those of deleted records
)

# One row an effect: written down before it is tried. planned → attempting → done | unknown | blocked | failed | overtaken.
effects = Table(
    "effect",
    metadata,
    Column("key", String, primary_key=True),
    Column("occurrence", String, ForeignKey("occurrence.key", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("kind", String, nullable=False),  # write, task, line, close, email
    Column("role", String),
    Column("payload", Text, nullable=False),  # JSON: the effect, ready to be tried
    Column("state", String, nullable=False, index=True),
    Column("state_at", BigInteger, nullable=False),
    Column("attempted_at", BigInteger, index=True),  # the first try; the breaker counts these
    Column("attempts", Integer, nullable=False),
    Column("crm_id", String),  # the task that was made, the record that was written
    Column("reason", Text),
    Column("unanswered", Integer, nullable=False, server_default="0"),  # tries whose outcome nobody could tell
    Column("refusals", Integer, nullable=False, server_default="0"),  # tries that were refused for good
    Column("not_before", BigInteger),  # it is not tried, looked for or asked after before this moment
    Column("follow", Text),  # by what to ask what became of it: an email's status id
    Column("adopted", Integer, nullable=False, server_default="0"),  # 1: written down for a task that people made
    Index("effect_crm_id", "crm_id"),
    Index(
        "effect_adopted", "state_at", sqlite_where=_IS_ADOPTED, postgresql_where=_IS_ADOPTED
    ),  # each poll asks for these
)

# How many effects are in each state, those of records that are gone included. The database itself keeps it, in the
# transaction that changes an effect: to count a ledger of years at each scrape of `/metrics` would take longer every day.
effect_counts = Table(
    "effect_count",
    metadata,
    Column("state", String, primary_key=True),
    Column("number", BigInteger, nullable=False),
)

_ONE_MORE = (
    "INSERT INTO effect_count (state, number) VALUES (NEW.state, 1) "
    "ON CONFLICT (state) DO UPDATE SET number = effect_count.number + 1; "
)
_ONE_LESS = "UPDATE effect_count SET number = number - 1 WHERE state = OLD.state; "

_COUNTING = (
    f"CREATE TRIGGER effect_added AFTER INSERT ON effect BEGIN {_ONE_MORE}END",
    f"CREATE TRIGGER effect_removed AFTER DELETE ON effect BEGIN {_ONE_LESS}END",
    "CREATE TRIGGER effect_changed AFTER UPDATE OF state ON effect WHEN OLD.state <> NEW.state "
    f"BEGIN {_ONE_LESS}{_ONE_MORE}END",
)
"""What keeps `effect_count` on SQLite. The migration that began it has its own copy, as migrations do, and PostgreSQL's."""

for _statement in _COUNTING:
    _trigger = DDL(_statement).execute_if(dialect="sqlite")  # type: ignore[no-untyped-call]  # the library types it not
    event.listen(metadata, "after_create", _trigger)

# The cycles seen: the CRM forgets old versions, this does not.
cycles = Table(
    "cycle",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("started", BigInteger, primary_key=True),
    Column("by", String, nullable=False),  # the closing status
)

# Which portfolio a ticket was last seen on: the one to look at when the ticket is deleted or moved.
memberships = Table(
    "membership",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("portfolio", String, nullable=False, index=True),
)

# Which record answers for one that was merged: one row a record, ever, as a merge cannot be undone.
identities = Table(
    "merged",
    metadata,
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("into", String, nullable=False),
    Column("is_primary", Integer),  # 1: its values stand; 0: the other's do; null: nobody has said
    Column("at", BigInteger),  # when; null: it is not known
    Index("merged_into", "kind", "into"),
)

# The versions that a pass has seen of a record as its own, and its name: after a merge the CRM does not tell whose was whose.
seen_versions = Table(
    "seen_versions",
    metadata,
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("times", Text, nullable=False),  # JSON: the times (ms) of the versions by property
    Column("name", Text),  # null: it has none, or was last seen by a version that did not keep it
)

# When a record was last read, by the CRM's own clock: a poll that finds it again without a change enqueues nothing.
seen = Table(
    "seen",
    metadata,
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("modified_at", BigInteger, nullable=False),
    Column("shown", Text),
)

# Which mapping was in force since when: a version is judged by the one that it was set under.
mappings_in_force = Table(
    "mapping_in_force",
    metadata,
    Column("since", BigInteger, primary_key=True),
    Column("mapping", Text, nullable=False),  # JSON: what of it says how a record's past is to be read
)

# Every mapping that has decided anything, whole and once: by its digest an occurrence tells which one it was.
mapping_texts = Table(
    "mapping_text",
    metadata,
    Column("digest", String, primary_key=True),
    Column("text", Text, nullable=False),  # JSON: the mapping with its texts, in one form
    Column("since", BigInteger, nullable=False),  # when it was first gone by
)

# A portfolio as its last pass found it; one that changes nothing writes nothing. Whose turn it is stands in `wait`.
portfolios = Table(
    "portfolio",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("url", String, nullable=False),
    Column("inside", Integer, nullable=False),  # 1: the mapping's condition takes it in
    Column("status", String, nullable=False),  # as people see it; '' where it is empty
    Column("refresh_date", String),  # ISO
    Column("step", String, nullable=False),  # where it stands in the process
    Column("cycle_began", BigInteger),  # null: the first cycle that is known
    Column("people", Text, nullable=False),  # JSON: who does the work of each role, by name
    Column("ad_sets", Text, nullable=False),  # JSON: name, tickets and how many of them are ready, of each Ad Set
    Column("problems", Text, nullable=False),  # JSON: what a person should mend
    Column("vanished", Text, nullable=False, server_default=""),  # JSON: who has left, what is no option; '': nothing
    Column("history", String, nullable=False),  # which versions were kept of it and of its tickets (`version`)
    Column("search_name", String, nullable=False, server_default=""),  # its name as names are compared, to search by
    Column("changed_at", BigInteger, nullable=False),  # when a pass last found it otherwise than before
)

# The same, as it is shown of one portfolio alone: too long to be read for all of them.
portfolio_details = Table(
    "portfolio_detail",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("handoffs", Text, nullable=False),  # JSON: what the rules said of each handoff, and why
    Column("tickets", Text, nullable=False),  # JSON: each ticket, its Ad Set, its stage, and what it lacks
)

# Everybody whom the portal names, as it was last read; one who leaves stays, so that what they had done can be told.
people = Table(
    "person",
    metadata,
    Column("id", String, primary_key=True),  # the owner's
    Column("user_id", String, nullable=False),  # by which versions name them; '' for one who cannot log in
    Column("name", String, nullable=False),
    Column("email", String, nullable=False),
    Column("active", Integer, nullable=False),  # 1: work may be given to them
)

# Every version that a pass has seen of the properties that the process goes by: the CRM keeps only the newest ones.
versions = Table(
    "version",
    metadata,
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("property", String, primary_key=True),  # in the process's words: status, stage, copy_approval, …
    Column("at", BigInteger, primary_key=True),
    Column("value", Text, nullable=False),  # the CRM's own; '' where it was emptied
    Column("means", String, nullable=False),  # what it is to the process, by the mapping of the pass that saw it first
    Column("source", String, nullable=False),  # what changed it, as the CRM says: CRM_UI, INTEGRATION, …
    Column("by", String, nullable=False),  # the user or the app, as the CRM says; '' where it does not
)

# A portfolio as a pass last decided it to the end: one that is still so needs no look by the sweep. No row: nobody knows.
looks = Table(
    "look",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("looked_at", BigInteger, nullable=False),
    Column("due_on", String, index=True),  # ISO: when the clock alone may make something due; null: no day is in sight
    Column("decided_by", String, nullable=False),  # a mark of mapping, pipeline, release and ledger
    Column("tickets", String, nullable=False),  # a mark of the tickets that it lists
    Column("named", Text, nullable=False),  # JSON: everybody who is named on it and on its tickets
    Column("people", String, nullable=False),  # a mark of what the portal told of these
)

# One sweep a day by the timer.
sweeps = Table(
    "sweep",
    metadata,
    Column("day", String, primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("finished_at", BigInteger),
)

# What an admin permits beyond the breaker's limit: so many effects more, within the hour after it.
releases = Table(
    "release",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String, nullable=False),
    Column("reason", Text, nullable=False),
    Column("effects", Integer, nullable=False),
)

# What an admin had done, by whom and why: one row a run of a command that acts on many records.
runs = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("command", String, nullable=False),  # apply, backfill, dead drop, …
    Column("actor", String, nullable=False),
    Column("reason", Text),  # null: none was asked for
    Column("arguments", Text, nullable=False),  # JSON: its options
    Column("started", BigInteger, nullable=False, index=True),
    Column("finished", BigInteger),  # null: it is running, or was cut off
    Column("counts", Text, nullable=False),  # JSON: what came of it
)

# How far back a portfolio's causes count, where that is before going live: set by an admin, for every later pass.
backfills = Table(
    "backfill",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("run", Integer, ForeignKey("run.id"), nullable=False),  # the run that set it
)

# Whom a portfolio waits for, as its last pass saw it. One row a portfolio whose next step is a person's.
waits = Table(
    "wait",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("url", String, nullable=False),
    Column("party", String, nullable=False),
    Column("who", String, nullable=False),  # the party as people call it
    Column("after", String, nullable=False),  # the handoff that passed the work to them
    Column("what", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("stuck_at", BigInteger, nullable=False),  # from then on they are late, by the mapping of that pass
    Column("seen_at", BigInteger, nullable=False),
)

# Two Ad Sets of a portfolio whose names differ by a typing slip, as its last pass saw them.
look_alikes = Table(
    "look_alike",
    metadata,
    Column("portfolio", String, primary_key=True),
    Column("one", String, primary_key=True),  # the folder's name, as it is shown
    Column("other", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("url", String, nullable=False),
    Column("tickets", Text, nullable=False),  # JSON: the ids of the open tickets of each, by the folder's name
    Column("seen_at", BigInteger, nullable=False),
)

# What came incomplete from the CRM at the last pass of the record that waits for it; `lacks` is JSON.
faulty_records = Table(
    "faulty_record",
    metadata,
    Column("unit_kind", String, primary_key=True),
    Column("unit", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("id", String, primary_key=True),
    Column("lacks", Text, nullable=False),
    Column("since", BigInteger, nullable=False),
)

# Tickets as they were last read with their histories, to read only what has changed since.
ticket_histories = Table(
    "ticket_history",
    metadata,
    Column("ticket", String, primary_key=True),
    Column("modified_at", BigInteger, nullable=False),  # its last change then, by the CRM's clock
    Column("read_at", BigInteger, nullable=False, index=True),
    Column("asked", String, nullable=False),  # a mark of the properties whose histories were read
    Column("certain", Integer, nullable=False),  # 1: two readings have shown the same
    Column("record", Text, nullable=False),  # JSON: the time of its creation, properties, histories
)

# The processes of the service, as each says itself: one row a start, kept for a week.
processes = Table(
    "process",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("part", String, nullable=False),  # worker, receiver
    Column("pid", Integer, nullable=False),
    Column("host", String, nullable=False),
    Column("started_at", BigInteger, nullable=False),
    Column("beat_at", BigInteger, nullable=False),  # its last sign of life
    Column("ended_at", BigInteger),  # it was told to end; null: it runs, or was cut off
    Column("busy_since", BigInteger),  # since when the worker is at its present group; null: it is at none
    Column("waits_for", Text),  # whom it waits for, and since when; null: nobody
    Column(
        "mapping", String
    ),  # the digest of the mapping that it goes by; null: by none, or an earlier release's process
    Column("clock_ahead", BigInteger),  # how far its clock is ahead of its machine's, in ms; null: an earlier release's
)

# One email to the admin a kind and hour.
alerts = Table(
    "alert",
    metadata,
    Column("kind", String, primary_key=True),
    Column("hour", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("message", Text, nullable=False),
)

# The CRM's request budget, shared by every process: one bucket a row, and the requests of its last window.
budgets = Table(
    "budget",
    metadata,
    Column("name", String, primary_key=True),
    Column("tokens", Integer, nullable=False),  # thousandths of a request
    Column("filled_at", BigInteger, nullable=False),
    Column("used", BigInteger, nullable=False),  # requests ever taken
    Column("taken", Text),  # `pace.packed`; null: nothing is known
)

# How many requests of each bucket had ever been made when an hour ended, or by now: eight days of them.
budget_hours = Table(
    "budget_hour",
    metadata,
    Column("hour", Integer, primary_key=True),  # hours since the epoch
    Column("name", String, primary_key=True),  # of the bucket
    Column("used", BigInteger, nullable=False),
)

# Who may open the board.
board_users = Table(
    "board_user",
    metadata,
    Column("id", String, primary_key=True),  # the name as names are compared
    Column("name", String, nullable=False),
    Column("password", String),  # salted and hashed by scrypt; null: a proxy says who it is
    Column("may_write", Integer, nullable=False),  # 1: may have something done, where BOARD_WRITE is on
    Column("made_at", BigInteger, nullable=False),
)

# Who has logged in to the board: one row a browser, until it expires, logs out, or the user is removed.
board_sessions = Table(
    "board_session",
    metadata,
    Column("digest", String, primary_key=True),  # of the cookie: whoever reads this table cannot log in by it
    Column("user", String, ForeignKey("board_user.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("expires_at", BigInteger, nullable=False, index=True),
)

# Log-ins to the board that failed of late, whoever asked which process: as long as they count.
board_failures = Table(
    "board_failure",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String, nullable=False),  # a digest of what was typed as the name
    Column("at", BigInteger, nullable=False, index=True),
)

# The letter of each week, as it is sent: put together once, for everybody who gets it.
letters = Table(
    "letter",
    metadata,
    Column("week", String, primary_key=True),  # ISO: its Monday
    Column("made_at", BigInteger, nullable=False),
    Column("subject", Text, nullable=False),  # emptied, with both texts, once it is old
    Column("text", Text, nullable=False),
    Column("html", Text, nullable=False),
)

# One row a week and address, ever: that a letter goes out once. planned → attempting → done | sending | unknown | failed.
letter_copies = Table(
    "letter_copy",
    metadata,
    Column("key", String, primary_key=True),
    Column("week", String, ForeignKey("letter.week"), nullable=False, index=True),
    Column("address", String, nullable=False),  # as the mapping has it
    Column("state", String, nullable=False),
    Column("state_at", BigInteger, nullable=False),
    Column("unanswered", Integer, nullable=False),  # tries whose outcome nobody could tell
    Column("refusals", Integer, nullable=False),  # tries that were refused for good
    Column("not_before", BigInteger, nullable=False),  # it is not tried, or asked after, before this moment
    Column("follow", Text),  # by what to ask what became of it: an email's status id
    Column("reason", Text),
)
