"""What people call things in this portal: its labels, for the texts of tasks and emails (docs/process.md F.7)."""

from collections.abc import Mapping

from mappings.names import same_to_the_eye
from mappings.schema import ProcessMapping
from mappings.words import OF_PORTFOLIOS, OF_TICKETS, REVISIONS
from sync.crm import Kind, PipelineStage, PropertyDefinition

Definitions = Mapping[Kind, Mapping[str, PropertyDefinition]]


def words_in(mapping: ProcessMapping, known: Definitions, portfolio: str) -> dict[str, str]:
    """The labels of properties and values by the keys of `mappings.words`; what has none is left out.

    `known` are the definitions of the properties of portfolios and tickets, `portfolio` the label of the object.
    """
    on_portfolio, on_ticket = known[Kind.PORTFOLIO], known[Kind.TICKET]
    of_portfolio, of_ticket = mapping.portfolio.properties, mapping.ticket.properties
    approval = on_ticket.get(of_ticket.copy_approval)
    found = {
        "portfolio": portfolio,
        **{key: _label(on_portfolio.get(getattr(of_portfolio, key))) for key in OF_PORTFOLIOS},
        **{key: _label(on_ticket.get(getattr(of_ticket, key))) for key in OF_TICKETS},
        **{
            status.value: _shown(on_portfolio.get(of_portfolio.status), value)
            for status, value in mapping.portfolio.statuses.items()
        },
        **{
            REVISIONS[one]: _shown(on_ticket.get(of_ticket.needs_revisions), value)
            for one, value in mapping.ticket.revisions.items()
        },
        "approved": _shown(approval, mapping.ticket.approved),
    }
    return {key: word for key, word in found.items() if word}


def labels_of(stages: Mapping[str, PipelineStage]) -> dict[str, str]:
    """The labels of stages, by the same keys; what has none is left out."""
    return {key: stage.label.strip() for key, stage in stages.items() if stage.label.strip()}


def _label(definition: PropertyDefinition | None) -> str:
    return definition.label.strip() if definition is not None else ""


def _shown(definition: PropertyDefinition | None, value: str) -> str:
    """What people see for a value: the label of the option that is written just so, else of one that looks the same."""
    if definition is None:
        return ""
    options = list(zip(definition.options, definition.labels, strict=False))
    exactly = [label for option, label in options if option == value]
    alike = [label for option, label in options if same_to_the_eye(option, value)]
    return next(iter([*exactly, *alike]), "").strip()
