"""A report as one page that needs nothing beside it: styles and pictures stand in it, and nothing runs in it.

Its tables stand in a page of the board, too.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from mappings.schema import ProcessMapping
from sync.reports import words
from sync.reports.cycles import Lead
from sync.reports.figures import PARTIES, Figures
from sync.reports.pictures import bar, sparkline
from sync.reports.report import By, Report, label_of
from sync.reports.statistics import Summary

_TEMPLATES = Environment(
    loader=PackageLoader("sync.reports"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {"days": words.days, "share": words.share}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a table: a figure with its picture."""

    name: str
    summary: Summary
    in_all: float | None
    picture: Markup


def report_page(report: Report, mapping: ProcessMapping) -> str:
    """Render the page, HTML 5, in English; what people typed in the CRM is escaped."""
    return _TEMPLATES.get_template("report.html").render(
        title="Creative refreshes: where the time goes",
        span=words.span(report, mapping.zone),
        sum=words.sum_of(report),
        total=report.total,
        tables=report_tables(report, mapping),
    )


def report_tables(report: Report, mapping: ProcessMapping) -> Markup:
    """Render its tables with their pictures and what is to be known of them, escaped; a page's styles are its own."""
    text = _TEMPLATES.get_template("tables.html").render(
        notes=words.notes(mapping),
        leads=list(_leads(report)),
        held=list(_held(report, mapping)),
        total=report.total,
        by=report.by.value,
        of_people=report.by in {By.ROLE, By.PERSON},
        headlines=[lead.headline for lead in Lead],
        groups=[
            (words.month(name) if report.by is By.MONTH else name, figures, _medians(figures), _on_time(figures))
            for name, figures in report.groups.items()
        ],
        labels=[(party, label_of(party, mapping)) for party in PARTIES],
    )
    return Markup(text)  # noqa: S704  # the template has escaped it


def _leads(report: Report) -> Iterator[_Line]:
    for lead in Lead:
        months = [(name, figures.leads.get(lead, Summary()).median) for name, figures in report.months.items()]
        told = ", ".join(f"{words.month(name)} {words.days(value)}" for name, value in months if value is not None)
        picture = sparkline([value for _, value in months], f"Median in days: {told}")
        yield _Line(lead.headline, report.total.leads.get(lead, Summary()), None, picture)


def _held(report: Report, mapping: ProcessMapping) -> Iterator[_Line]:
    everything = sum(report.total.held_in_all.values())
    for party in PARTIES:
        days = report.total.held_in_all.get(party, 0.0)
        part = days / everything if everything else 0.0
        picture = bar(part, f"{part:.0%} of all working days") if everything else Markup()
        yield _Line(label_of(party, mapping), report.total.held.get(party, Summary()), days, picture)


def _medians(figures: Figures) -> list[float | None]:
    return [figures.leads.get(lead, Summary()).median for lead in Lead]


def _on_time(figures: Figures) -> Markup:
    if figures.share is None:
        return Markup()
    return bar(figures.share, f"{figures.share:.0%} on time")
