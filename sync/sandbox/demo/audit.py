"""Is what stands in CRM and mailboxes what `docs/process.md` says? Typed from that page, not taken from the rules.

Every task, email, status, date and ticket field of the play is expected by name, with its person and its day; whatever is
missing, different or too much is a difference, and so is any other property that the service wrote.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import unescape
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo

from sync.clock import local_date
from sync.sandbox.demo.witness import SERVICE, Change, Mail, Scene, Task

ZONE = ZoneInfo("America/New_York")

AMELIA, SASHA, CODY, GRACE, DANA = "Amelia Marsh", "Sasha Adler", "Cody Wright", "Grace Deluca", "Dana Gray"
DENTAL, BAKERY = "Brightside Dental", "Harbor Bakery"
FOLDER = "Autumn 2026"
CAROUSEL, VIDEO, STORY = "Whitening carousel", "New smile video", "Check-up story"
LINK = "https://lab.example/brightside/autumn"
WISHES = "Warm autumn colours, and please feature the whitening offer."
FEEDBACK = "The headline should say 20 % off until Thanksgiving."


def _october(day: int) -> date:
    return date(2026, 10, day)


@dataclass(frozen=True, slots=True)
class WantedTask:
    subject: str
    owner: str
    on: tuple[str, ...]
    made: date
    closed_by: str
    says: tuple[str, ...] = ()
    """What its body must contain."""

    @property
    def brief(self) -> str:
        return f"for {self.owner}, made on {self.made}"


@dataclass(frozen=True, slots=True)
class WantedMail:
    to: str
    subject: str
    sent: date
    says: tuple[str, ...] = ()

    @property
    def brief(self) -> str:
        return f"to {self.to}, sent on {self.sent}"


@dataclass(frozen=True, slots=True)
class WantedVersion:
    """One version of a property: the value ('' is empty), who wrote it, and on which day."""

    value: str
    by: str
    on: date


def _pair(ticket: str, designer: str) -> tuple[WantedTask, WantedTask]:
    """4: one task for the Copywriter and one for the Graphic Designer, on the ticket and its portfolio, with the Note."""
    on = (DENTAL, ticket)
    return (
        WantedTask(f"Write Copy: {ticket}", CODY, on, _october(21), CODY, (WISHES,)),
        WantedTask(f"Design Graphics: {ticket}", designer, on, _october(21), designer, (WISHES,)),
    )


_SHARE = f"Share Deliverables With Client: {DENTAL} ({FOLDER})"
_AGAIN = ", second announcement"
_SET = (CAROUSEL, VIDEO, STORY, LINK)

TASKS = (
    # 1: fifteen days before, and once
    WantedTask(f"Contact Client About Creative Refresh: {DENTAL}", AMELIA, (DENTAL,), _october(6), AMELIA),
    # 2b: none. 3: on the day, with the Note
    WantedTask(f"Create Deliverable Tickets for Refresh: {DENTAL}", SASHA, (DENTAL,), _october(21), SASHA, (WISHES,)),
    # 4: two a ticket; a ticket's own designer wins. Deliverables Submitted: none
    *_pair(CAROUSEL, GRACE),
    *_pair(VIDEO, GRACE),
    *_pair(STORY, DANA),
    # 5: with the third ticket, not before; and again when the revised one is back, which closes the first
    WantedTask(_SHARE, AMELIA, (DENTAL,), _october(23), SERVICE, (*_SET, "was announced again")),
    WantedTask(f"{_SHARE}{_AGAIN}", AMELIA, (DENTAL,), _october(27), AMELIA, _SET),
    # 6: the copy only, with the ticket's Note
    WantedTask(f"Revise Copy: {CAROUSEL}", CODY, (DENTAL, CAROUSEL), _october(26), CODY, (FEEDBACK,)),
    # 7: named exactly so
    WantedTask("Implement New Creatives for Refresh", SASHA, (DENTAL,), _october(27), SASHA, _SET),
    # 8, 9: none. The other client, 1: closed by 2a, with the reason
    WantedTask(
        f"Contact Client About Creative Refresh: {BAKERY}",
        AMELIA,
        (BAKERY,),
        _october(29),
        SERVICE,
        ("client declined",),
    ),
)

_IN_REVIEW = f"In client review: {DENTAL} ({FOLDER})"
_READY = f"Ready for client review: {DENTAL} ({FOLDER})"

MAILS = (
    WantedMail(AMELIA, f"Creative refresh of {DENTAL}: please ask the client (Wed 21 Oct 2026)", _october(6)),
    WantedMail(SASHA, f"Creative refresh of {DENTAL}: time to create the tickets", _october(21), (WISHES,)),
    WantedMail(AMELIA, _READY, _october(23), _SET),
    WantedMail(SASHA, _IN_REVIEW, _october(23)),
    WantedMail(AMELIA, f"{_READY}{_AGAIN}", _october(27), _SET),
    WantedMail(SASHA, f"{_IN_REVIEW}{_AGAIN}", _october(27)),
    WantedMail(SASHA, f"Client approved: please implement the new creatives of {DENTAL}", _october(27), _SET),
    # 8 and 9 are one email, with the next date
    WantedMail(AMELIA, f"The new creatives of {DENTAL} are live", _october(28), ("Wed 2 Dec 2026", *_SET)),
    WantedMail(AMELIA, f"Creative refresh of {BAKERY}: please ask the client (Fri 13 Nov 2026)", _october(29)),
)

STATUSES: Mapping[str, tuple[WantedVersion, ...]] = {
    DENTAL: (
        WantedVersion("Refresh Request Submitted", AMELIA, _october(20)),
        WantedVersion("Deliverables Submitted", SASHA, _october(21)),
        WantedVersion("Creatives Pending Approval", SERVICE, _october(23)),
        WantedVersion("Creatives Completed & Approved", AMELIA, _october(27)),
        WantedVersion("Creatives Implemented", SERVICE, _october(28)),
        WantedVersion("", SERVICE, _october(28)),
    ),
    BAKERY: (WantedVersion("No Refresh Requested", AMELIA, _october(30)),),
}

DATES: Mapping[str, tuple[WantedVersion, ...]] = {
    DENTAL: (
        WantedVersion("2026-10-21", AMELIA, _october(5)),
        WantedVersion("2026-12-02", SERVICE, _october(28)),  # every 6 weeks, counted from the old date
    ),
    BAKERY: (
        WantedVersion("2026-11-13", AMELIA, _october(5)),
        WantedVersion("2026-12-11", SERVICE, _october(30)),  # every 4 weeks
    ),
}

STAGES: Mapping[str, tuple[WantedVersion, ...]] = {
    CAROUSEL: (
        WantedVersion("New", SASHA, _october(21)),
        WantedVersion("Pending Approval", CODY, _october(22)),
        WantedVersion("In Progress", SERVICE, _october(26)),
        WantedVersion("Pending Approval", CODY, _october(27)),
    ),
    VIDEO: (WantedVersion("New", SASHA, _october(21)), WantedVersion("Pending Approval", GRACE, _october(22))),
    STORY: (WantedVersion("New", SASHA, _october(21)), WantedVersion("Pending Approval", DANA, _october(23))),
}

REVISIONS = (WantedVersion("Copy Revisions Only", AMELIA, _october(26)), WantedVersion("", SERVICE, _october(27)))

COPY_APPROVALS = (
    WantedVersion("Approved", CODY, _october(22)),
    WantedVersion("", SERVICE, _october(26)),
    WantedVersion("Approved", CODY, _october(27)),
)

NOTES = 2
"""What Amelia wrote; the service writes none."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What the audit came to: how many things it compared, and each that was not as it should be."""

    compared: int
    differences: tuple[str, ...]


def audit(scene: Scene, numbers: Mapping[str, float]) -> Finding:
    """Compare the end of the play with `docs/process.md`. `numbers` are the service's metrics, its own account."""
    found = [
        *_matched("task", TASKS, scene.tasks, _task_differs),
        *_matched("email", MAILS, scene.mails, _mail_differs),
    ]
    histories = [
        *((of, "status", scene.names.status, wanted) for of, wanted in STATUSES.items()),
        *((of, "Refresh Date", scene.names.date, wanted) for of, wanted in DATES.items()),
        *((of, "stage", "hs_pipeline_stage", wanted) for of, wanted in STAGES.items()),
        *((of, "Needs Revisions", scene.names.needs_revisions, REVISIONS if of == CAROUSEL else ()) for of in STAGES),
        (CAROUSEL, "Copy Approval", scene.names.copy_approval, COPY_APPROVALS),
    ]
    labels = dict(scene.names.stages)
    for of, label, name, wanted in histories:
        found += _history_differs(f"{of}: {label}", wanted, scene.history(of, name), labels)
    looked_at = {(of, name) for of, _, name, _ in histories}
    found += [
        f"{change.of}: the service wrote {change.property} ({change.after or 'empty'}), which is none of its business"
        for change in scene.by_service()
        if (change.of, change.property) not in looked_at
    ]
    rest = list(_the_rest(scene, numbers))
    found += [text for held, text in rest if not held]
    compared = len(TASKS) + len(MAILS) + sum(len(wanted) for *_, wanted in histories) + len(rest)
    return Finding(compared, tuple(found))


class Titled(Protocol):
    @property
    def subject(self) -> str: ...

    @property
    def brief(self) -> str: ...


W = TypeVar("W", bound=Titled)
S = TypeVar("S", bound=Titled)


def _matched(kind: str, wanted: Sequence[W], seen: Sequence[S], differs: Callable[[W, S], list[str]]) -> Iterator[str]:
    """Pair what is wanted with what is there, the likest first, and tell every difference."""
    left = list(seen)
    for one in wanted:
        same = [other for other in left if other.subject == one.subject]
        if not same:
            yield f"{kind} “{one.subject}” is missing: {one.brief}"
            continue
        likest = min(same, key=lambda other: len(differs(one, other)))
        left.remove(likest)
        yield from (f"{kind} “{one.subject}”: {difference}" for difference in differs(one, likest))
    yield from (f"{kind} “{other.subject}” should not be there: {other.brief}" for other in left)


def _task_differs(wanted: WantedTask, task: Task) -> list[str]:
    return [
        *_unequal("is for", wanted.owner, task.owner),
        *_unequal("is on", " and ".join(sorted(wanted.on)), " and ".join(task.on)),
        *_unequal("was made on", wanted.made, task.made),
        *_unequal("was made by", SERVICE, task.made_by),
        *_unequal("was closed by", wanted.closed_by, task.closed_by or "nobody"),
        *_unsaid(wanted.says, task.body),
    ]


def _mail_differs(wanted: WantedMail, mail: Mail) -> list[str]:
    return [
        *_unequal("went to", wanted.to, mail.to),
        *_unequal("was sent on", wanted.sent, mail.sent),
        *_unsaid(wanted.says, mail.body),
    ]


def _unequal(what: str, wanted: object, seen: object) -> Iterator[str]:
    if wanted != seen:
        yield f"{what} {seen}, not {wanted}"


def _unsaid(says: Sequence[str], body: str) -> Iterator[str]:
    text = unescape(body)
    yield from (f"does not say “{part}”" for part in says if part not in text)


def _history_differs(
    what: str, wanted: Sequence[WantedVersion], seen: Sequence[Change], labels: Mapping[str, str]
) -> Iterator[str]:
    told = [WantedVersion(labels.get(c.after, c.after), c.by, local_date(c.at, ZONE)) for c in seen]
    if told != list(wanted):
        yield f"{what} went {_told(told)}; it should have gone {_told(wanted)}"


def _told(versions: Sequence[WantedVersion]) -> str:
    return ", ".join(f"{one.value or 'empty'} ({one.by}, {one.on})" for one in versions) or "nowhere"


def _the_rest(scene: Scene, numbers: Mapping[str, float]) -> Iterator[tuple[bool, str]]:
    """What else must hold, each with what to say if it does not."""
    made = {task.id for task in scene.tasks if task.made_by == SERVICE}
    ids, keys = [mail.message_id for mail in scene.mails], [task.key for task in scene.tasks if task.id in made]
    touched = {c.record for c in scene.changes if c.kind == "task" and c.by == SERVICE}
    reset = [scene.history(DENTAL, name)[-1:] for name in (scene.names.status, scene.names.date)]
    yield all(ids) and len(ids) == len(set(ids)), f"an email came twice or has no Message-ID: {', '.join(ids)}"
    yield all(keys) and len(keys) == len(set(keys)), f"two tasks have one key, or one has none: {', '.join(keys)}"
    yield touched <= made, f"the service wrote to tasks of other people: {', '.join(sorted(touched - made))}"
    yield (
        len({change.at for last in reset for change in last}) == 1,
        f"{DENTAL}: status and date were not reset in one write",
    )
    yield set(scene.portfolios) == set(STATUSES), f"the portfolios are {', '.join(scene.portfolios)}"
    yield set(scene.tickets) == set(STAGES), f"the tickets are {', '.join(scene.tickets)}"
    yield scene.notes == NOTES, f"there are {scene.notes} Notes, not {NOTES}"
    for state in ("planned", "attempting", "unknown", "blocked", "failed"):
        number = numbers.get(f"handoffs_effects:{state}")
        yield number == 0, f"the service counts {number} effects as {state}"
    for name in ("parked", "held"):
        number = numbers.get(f"handoffs_{name}")
        yield number == 0, f"the service counts {number} records as {name}"
