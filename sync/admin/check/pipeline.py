"""The deliverables pipeline and the two stages that the mapping names."""

from collections.abc import Iterable

from mappings.names import same_to_the_eye
from sync.admin.check.deployment import Deployment, Misfits, Path, SkippedError
from sync.crm import Pipeline, PipelineStage
from sync.passes.portal import find_by_name

_Called = Pipeline | PipelineStage


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Compare pipeline and stages: each has to be there once, and the stages open."""
    mapping = deployment.mapping.ticket
    name = mapping.pipeline
    pipelines = deployment.crm.pipelines()
    found = find_by_name(name, pipelines)
    if len(found) != 1:
        misfits.error(
            ("ticket", "pipeline"),
            f"{'several ticket pipelines are' if found else 'no ticket pipeline is'} called “{name}”",
            f"write the id or label of one: {_named(pipelines) or 'the portal has none'}",
        )
        raise SkippedError
    pipeline = found[0]
    _note_look_alikes(misfits, ("ticket", "pipeline"), name, pipeline, pipelines)
    for key, stage in (
        ("in_progress", deployment.mapping.ticket.in_progress),
        ("pending_approval", deployment.mapping.ticket.pending_approval),
    ):
        stages = find_by_name(stage, pipeline.stages)
        if len(stages) != 1:
            misfits.error(
                ("ticket", key),
                f"{'several stages' if stages else 'no stage'} of “{pipeline.label}” "
                f"{'are' if stages else 'is'} called “{stage}”",
                f"write the id or label of one: {_named(pipeline.stages) or 'it has none'}",
            )
            continue
        _note_look_alikes(misfits, ("ticket", key), stage, stages[0], pipeline.stages)
        if stages[0].read_only:
            misfits.error(
                ("ticket", key),
                f"the stage “{stages[0].label}” is read only: nobody can move a ticket into it, nor can the service",
                "lift the restriction (Settings > Objects > Tickets > Pipelines), or write another stage",
            )
        if stages[0].closed:
            misfits.error(
                ("ticket", key),
                f"the stage “{stages[0].label}” is closed, and a closed ticket takes part in nothing",
                "set its ticket status to Open (Settings > Objects > Tickets > Pipelines), or write another stage",
            )
    both = [find_by_name(stage, pipeline.stages) for stage in (mapping.in_progress, mapping.pending_approval)]
    if both[0] == both[1] and len(both[0]) == 1:
        misfits.error(
            ("ticket", "pending_approval"),
            f"is the stage of `in_progress` too: {_named(both[0])}",
            "write two different stages",
        )
    return f"{pipeline.label} ({pipeline.id}), {len(pipeline.stages)} stages"


def _note_look_alikes(misfits: Misfits, key: Path, name: str, found: _Called, candidates: Iterable[_Called]) -> None:
    """Note what a person cannot tell from the one that a name of the mapping means."""
    others = [one for one in candidates if one.id != found.id and same_to_the_eye(one.label, found.label)]
    if others:
        misfits.warning(
            key,
            f"{_named([found, *others])} look the same: “{name}” means {_named([found])}",
            "give them labels that a person can tell from each other, or write the id",
        )


def _named(candidates: Iterable[_Called]) -> str:
    return ", ".join(sorted(f"“{one.label}” ({one.id})" for one in candidates))
