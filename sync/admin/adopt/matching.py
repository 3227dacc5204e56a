"""Which task in the CRM stands for what a rule would have made. Each task stands for one thing only."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime

from mappings.names import as_seen
from mappings.texts import Texts, one_line
from mappings.vocabulary import TaskKind
from sync.admin.adopt.as_if import cycle_started
from sync.admin.inventory import ExistingTask, tasks_named
from sync.crm import RecordRef
from sync.rules.context import Context
from sync.rules.model import NewTask, Occurrence

Match = tuple[NewTask, ExistingTask]


class FreeTasks:
    """The tasks of one portfolio and its tickets that neither the service made nor the ledger names."""

    def __init__(self, context: Context, tasks: Iterable[ExistingTask], texts: Texts) -> None:
        self._texts = texts
        known = tasks_named(context.ledger_as_read)
        self._free = [task for task in tasks if not task.key and task.id not in known]

    def __iter__(self) -> Iterator[ExistingTask]:
        return iter(self._free)

    def take(
        self, kind: TaskKind, fits: Callable[[ExistingTask], bool], subjects: Collection[str] = ()
    ) -> ExistingTask | None:
        """Take the best fitting task of this kind; None if there is none. It is free no more.

        The best one has the very subject, as a person sees it (one of `subjects`: by `as_seen`), is open, and is the newest.
        """
        found = [task for task in self._free if self._texts.is_subject_of(kind, task.subject) and fits(task)]
        if not found:
            return None
        best = max(found, key=lambda t: (_seen(t.subject) in subjects, t.is_open, t.made_at, int(t.id)))
        self._free.remove(best)
        return best

    def put_back(self, tasks: Iterable[ExistingTask]) -> None:
        """Let these be taken again."""
        self._free += tasks

    def matches(self, context: Context, occurrence: Occurrence, *, only_open: bool = False) -> list[Match]:
        """Take the tasks that stand for an occurrence's own, each with its effect. `only_open`: of its open ones alone."""
        cause = None if only_open else occurrence.cause_at
        return [
            (effect, task)
            for effect in occurrence.effects
            if isinstance(effect, NewTask)
            and (task := self._match(context, occurrence.record, effect, cause, only_open=only_open)) is not None
        ]

    def _match(
        self, context: Context, record: RecordRef, effect: NewTask, cause: datetime | None, *, only_open: bool
    ) -> ExistingTask | None:
        """Take a task for this effect: not one that was completed before its cause, nor one of an older cycle."""
        subjects = {as_seen(one) for one in self._texts.task_subjects(effect.kind, effect.variables)}

        def fits(task: ExistingTask) -> bool:
            if only_open and not task.is_open:
                return False
            if cause is not None and task.completed_at is not None and task.completed_at < cause:
                return False
            if record == context.portfolio.ref:
                return task.made_at >= cycle_started(context)
            return record in task.on or _seen(task.subject) in subjects

        return self.take(effect.kind, fits, subjects)


def _seen(subject: str) -> str:
    return as_seen(one_line(subject))
