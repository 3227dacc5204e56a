"""The deliverables pipeline and the two stages that the mapping names."""

from collections.abc import Iterable

from sync.admin.check.deployment import Deployment, Misfits, SkippedError
from sync.crm import Pipeline, PipelineStage
from sync.passes.portal import find_by_name


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Compare pipeline and stages: each has to be there once, and the stages open."""
    name = deployment.mapping.ticket.pipeline
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
        elif stages[0].closed:
            misfits.error(
                ("ticket", key),
                f"the stage “{stages[0].label}” is closed, and a closed ticket takes part in nothing",
                "set its ticket status to Open (Settings > Objects > Tickets > Pipelines), or write another stage",
            )
    return f"{pipeline.label} ({pipeline.id}), {len(pipeline.stages)} stages"


def _named(candidates: Iterable[Pipeline | PipelineStage]) -> str:
    return ", ".join(sorted(f"“{one.label}” ({one.id})" for one in candidates))
