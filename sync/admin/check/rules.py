"""What an admin demands of every write: required properties of tasks, and validation rules (docs/hubspot.md 4.11)."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from mappings.rehearsal import FULL, sparse
from mappings.texts import Texts
from mappings.vocabulary import TaskKind
from sync.admin.check.deployment import Deployment, Misfits, Path
from sync.crm import OWNER, TASK_BODY, TASK_STATUS, TASK_SUBJECT, TIMESTAMP, CRMReader, Kind, ValueRule
from sync.errors import AuthenticationError, CRMRejectedError

T = TypeVar("T")

_SET_IN_TASKS = (TASK_SUBJECT, TASK_BODY, TASK_STATUS, TIMESTAMP, OWNER, "hs_task_priority", "hs_task_type")
_KEY = "5:1234567890:1764547200000:1234567890@1764547200000,1234567891@1764547200000/task:share_deliverables"
"""A key of a task, of the longest kind."""


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Note what would have HubSpot refuse a task or a write. What the app may not read of it is left out."""
    mapping = deployment.mapping
    written: dict[Kind, tuple[str, ...]] = {Kind.TASK: (*_SET_IN_TASKS, mapping.task.key_property)}
    names = mapping.ticket.properties
    written[Kind.TICKET] = (names.stage, names.needs_revisions, names.copy_approval, names.graphic_approval)
    if deployment.has_object:
        written[Kind.PORTFOLIO] = (mapping.portfolio.properties.status, mapping.portfolio.properties.refresh_date)
    nothing: frozenset[str] = frozenset()
    for name in sorted(_readable(lambda: deployment.crm.required_properties(Kind.TASK), nothing)):
        if name not in written[Kind.TASK]:
            misfits.error(
                ("tasks",),
                f"HubSpot requires “{name}” of every task, and the service does not set it: every task is refused",
                "make it optional (Settings > Objects > Tasks, or Settings > Properties)",
            )
    texts = _texts_of_tasks(deployment)
    for kind, properties in written.items():
        for rule in _rules(deployment.crm, kind):
            if rule.property in properties:
                _note(misfits, kind, rule, _samples(deployment, kind, rule.property, texts))
    return "no admin's rule stands in the way"


def _note(misfits: Misfits, kind: Kind, rule: ValueRule, samples: Sequence[str]) -> None:
    key: Path = ("tasks",) if kind is Kind.TASK else (kind.value, "properties")
    refused = next((sample for sample in samples if not keeps(rule, sample)), None)
    remedy = "relax the rule, or except the app from it (Settings > Properties)"
    what = f"the validation rule {rule} of “{rule.property}”"
    if refused is None:
        misfits.warning(key, f"{what} may have HubSpot refuse what the service writes to {kind}s", remedy)
    else:
        shown = refused if len(refused) <= 60 else f"{refused[:60]}…"
        misfits.error(key, f"{what} has HubSpot refuse what the service writes to {kind}s, such as “{shown}”", remedy)


def keeps(rule: ValueRule, value: str) -> bool:
    """Whether a value keeps a rule; of one that is not known here it does."""
    first = next(iter(rule.arguments), "")
    match rule.type:
        case "REGEX":
            try:
                return re.fullmatch(first, value) is not None
            except re.error:
                return True
        case "MAX_LENGTH" if first.isdecimal():
            return len(value) <= int(first)
        case "MIN_LENGTH" if first.isdecimal():
            return len(value) >= int(first)
    return True


def _samples(deployment: Deployment, kind: Kind, name: str, texts: Mapping[str, Sequence[str]]) -> Sequence[str]:
    """Values that the service writes to a property, as far as they can be told beforehand."""
    mapping = deployment.mapping
    if kind is Kind.TASK:
        return texts.get(name, ())
    if kind is Kind.PORTFOLIO:
        return tuple(mapping.portfolio.statuses.values()) if name == mapping.portfolio.properties.status else ()
    approvals = (mapping.ticket.properties.copy_approval, mapping.ticket.properties.graphic_approval)
    return (mapping.ticket.approval_reset,) if name in approvals and mapping.ticket.approval_reset else ()


def _texts_of_tasks(deployment: Deployment) -> dict[str, list[str]]:
    texts = Texts(deployment.mapping)
    rendered = [texts.task(kind, values) for kind in TaskKind for values in (FULL, sparse(kind))]
    return {
        TASK_SUBJECT: [subject for subject, _ in rendered],
        TASK_BODY: [body for _, body in rendered],
        deployment.mapping.task.key_property: [_KEY],
    }


def _rules(crm: CRMReader, kind: Kind) -> Iterator[ValueRule]:
    nothing: list[ValueRule] = []
    yield from _readable(lambda: crm.value_rules(kind), nothing)


def _readable(read: Callable[[], T], otherwise: T) -> T:
    """What is read, or `otherwise` where the app may not read it or the portal does not tell it."""
    try:
        return read()
    except CRMRejectedError:
        return otherwise
    except AuthenticationError as error:
        if error.status != 403:
            raise
        return otherwise
