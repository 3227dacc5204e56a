"""The pipelines and stages of tickets that admins replace by others in mid-life (F.5), and rename.

There are two deliverables pipelines, each with stages of its own, and each has a second stage for In Progress and for Pending
Approval. What people mean is told in the ids of the packaged process; what stands in the CRM is the id of the day.
"""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from typing import Any, Final, NamedTuple

from sync.sandbox import Sandbox
from sync.sandbox.portal import Portal
from sync.sandbox.process import Names
from sync.sandbox.schema import Pipeline, Stage

_NAMES: Final = Names()

PIPELINE, STAGE = "hs_pipeline", "hs_pipeline_stage"
TICKETS: Final = "0-5"

_STAGES: Final = dict(_NAMES.stages)
NEW, IN_PROGRESS, IN_REVIEW, DONE, CLOSED = _STAGES
KEYS: Final = ("pipeline", "in_progress", "pending_approval")
"""The keys of the mapping's `ticket` that name them."""

_REPLACED: Final = (IN_PROGRESS, IN_REVIEW)


class Layout(NamedTuple):
    """Which of the two pipelines it is today, and which of its two stages for In Progress and for Pending Approval."""

    pipeline: int = 0
    in_progress: int = 0
    pending_approval: int = 0

    def words(self) -> dict[str, str]:
        """The id of the day of the pipeline and of each stage, by the packaged one."""
        which = {IN_PROGRESS: self.in_progress, IN_REVIEW: self.pending_approval}
        stages = {one: stage_id(one, self.pipeline, which.get(one, 0)) for one in _STAGES}
        return {_NAMES.pipeline[0]: pipeline_id(self.pipeline), **stages}

    def named(self) -> dict[str, str]:
        """What the mapping's keys name, by id."""
        words = self.words()
        return dict(zip(KEYS, (words[_NAMES.pipeline[0]], words[IN_PROGRESS], words[IN_REVIEW]), strict=True))


LAYOUTS: Final = tuple(Layout(*which) for which in product((0, 1), repeat=3))


def pipeline_id(which: int) -> str:
    return f"88{which}001"


def stage_id(packaged: str, pipeline: int, which: int) -> str:
    return f"88{pipeline}0{which + 1}{packaged[-1]}"


PACKAGED: Final = {one: word for layout in LAYOUTS for word, one in layout.words().items()}
"""The packaged id of each that a ticket may stand in."""

IDS: Final = tuple(sorted(one for one, word in PACKAGED.items() if word in _STAGES))
"""Every stage of both pipelines."""


def define_stages(sandbox: Sandbox) -> None:
    """Give the portal both pipelines with all of their stages."""
    for which in (0, 1):
        stages = [
            Stage(stage_id(one, which, n), f"{label} II" if n else label, closed=one == CLOSED)
            for one, label in _STAGES.items()
            for n in ((0, 1) if one in _REPLACED else (0,))
        ]
        label = f"{_NAMES.pipeline[1]} II" if which else _NAMES.pipeline[1]
        sandbox.portal.define_pipeline(TICKETS, Pipeline(pipeline_id(which), label, tuple(stages)))


def relabel(portal: Portal, one: str, label: str) -> None:
    """An admin gives a pipeline, or a stage, another label; its id stays."""
    for pipeline in list(portal.pipelines[TICKETS].values()):
        stages = tuple(replace(stage, label=label) if stage.id == one else stage for stage in pipeline.stages)
        own = label if pipeline.id == one else pipeline.label
        portal.define_pipeline(TICKETS, replace(pipeline, label=own, stages=stages))


def label_of(portal: Portal, one: str) -> str:
    """What people see of a pipeline or a stage."""
    known = portal.pipelines[TICKETS].values()
    labels = {pipeline.id: pipeline.label for pipeline in known}
    return labels.get(one) or next(stage.label for each in known for stage in each.stages if stage.id == one)


def resolved(portal: Portal, values: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping, its pipeline and stages by id, as the portal calls them now."""
    ticket = values.get("ticket", {})
    if "pipeline" not in ticket:
        return dict(values)
    pipeline = _found(ticket["pipeline"], portal.pipelines[TICKETS].values())
    ids = {key: _found(ticket[key], pipeline.stages).id for key in KEYS[1:]}
    return {**values, "ticket": {**ticket, "pipeline": pipeline.id, **ids}}


def _found(name: str, among: Any) -> Any:
    return next(one for one in among if name in {one.id, one.label})


def named_by(ticket: Mapping[str, Any]) -> dict[str, str]:
    """The packaged id of each that a mapping names, or that belongs to the pipeline it names."""
    named = dict(zip(KEYS, (_NAMES.pipeline[0], *_REPLACED), strict=True))
    named.update({key: ticket[key] for key in KEYS if key in ticket})
    which = next(n for n in (0, 1) if pipeline_id(n) == named["pipeline"])
    others = {stage_id(one, which, 0): one for one in (NEW, DONE, CLOSED)}
    return {
        **others,
        named["pipeline"]: _NAMES.pipeline[0],
        named["in_progress"]: IN_PROGRESS,
        named["pending_approval"]: IN_REVIEW,
    }
