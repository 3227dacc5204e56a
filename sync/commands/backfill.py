"""`handoffs backfill`: act on causes that are older than going live."""

from datetime import date, datetime
from typing import TYPE_CHECKING

import click

from sync.commands import session
from sync.commands.bulk_report import report_results
from sync.commands.options import (
    ALL,
    HANDOFF,
    JSON_LINES,
    OWNER,
    PORTFOLIOS,
    REASON,
    YES,
    list_limit,
    owner_ids,
    parse_day_or_moment,
    portfolio_ids,
    start_of,
)
from sync.commands.output import number, print_json, say
from sync.commands.plan_report import say_undecided, show_plan
from sync.commands.terminal import confirm, finish_group_on_interrupt, progress_bar

if TYPE_CHECKING:
    from sync.admin import backfill as backfilling
    from sync.service.bootstrap import Service


@click.command()
@PORTFOLIOS
@click.option("--since", type=parse_day_or_moment, required=True, metavar="DATE", help="Let causes count from then on.")
@HANDOFF
@OWNER
@click.option("--apply", "apply_it", is_flag=True, help="Do it, after asking.")
@YES
@click.option("--max-effects", type=click.IntRange(min=1), metavar="N", help="Do no more than this in one run.")
@click.option(
    "--share", type=click.FloatRange(0, 1, min_open=True), metavar="0..1",
    help="Take no more than this share of the CRM's request limits.",
)  # fmt: skip
@REASON
@ALL
@JSON_LINES
def backfill(
    portfolios: tuple[str, ...],
    since: datetime | date,
    handoffs: tuple[str, ...],
    owners: tuple[str, ...],
    apply_it: bool,
    yes: bool,
    max_effects: int | None,
    share: float | None,
    reason: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Act on causes that are older than going live, for chosen portfolios.

    Status changes, revisions and tickets from before going live do nothing by themselves. Here they are acted on from
    --since on: for the portfolios named (by id, name or a part of one), for those that a filter finds, or for all. All that
    is due for a portfolio is done together, and from then on its causes count since that day.

    Shows what it would do, as `handoffs plan` does. --apply does it, in groups of 50, leaving way to the running
    service. The same command goes on where it was stopped, and does nothing once all is done.

    \b
    Examples:
      handoffs backfill --since 2026-10-01 --handoff 4
      handoffs backfill --since 2026-10-01 "Acme Shoes" --apply
      handoffs backfill --since 2026-10-01 --apply --yes --max-effects 200 \\
          --share 0.2 --reason "tickets from before"

    \b
    Exit codes: 0 shown, or done; 1 something failed or is unknown; 2 --since
      is not before going live; 3 not answered with yes, the breaker holds
      work, or --max-effects leaves some; 4 the token is refused; 5 the
      mapping does not fit the portal
    """
    from mappings.vocabulary import Handoff
    from sync.admin.backfill import propose

    with session.service(bulk=True, share=share, begin=apply_it) as built:
        with progress_bar("Looking") as progress:
            proposal = propose(
                built.reading,
                start_of(since, built.mapping.zone),
                portfolios=portfolio_ids(built, portfolios),
                handoffs=[Handoff(one) for one in handoffs],
                owners=owner_ids(built, owners),
                max_effects=max_effects,
                progress=progress,
            )
        if not apply_it or not as_json:
            _show_proposal(proposal, list_limit(everything), as_json=as_json)
        code = 1 if proposal.plan.faulty else 0
        if apply_it and proposal.chosen:
            code = _carry_out(built, proposal, reason, yes=yes, as_json=as_json) or code
        elif not apply_it and proposal.chosen:
            say("`handoffs backfill … --apply` does it.")
        if proposal.beyond:
            say(f"{number(proposal.beyond, 'portfolio')} beyond --max-effects: run it again.")
            code = code or (3 if apply_it else 0)
    click.get_current_context().exit(code)


def _show_proposal(proposal: "backfilling.Proposal", limit: int | None, *, as_json: bool) -> None:
    if as_json:
        print_json({"since": proposal.since.isoformat(), "beyond": proposal.beyond, **proposal.plan.as_json()})
    else:
        show_plan(proposal.plan, limit)
    say_undecided(proposal.plan)


def _carry_out(
    built: "Service", proposal: "backfilling.Proposal", reason: str | None, *, yes: bool, as_json: bool
) -> int:
    from sync.admin import bulk
    from sync.admin.backfill import carry_out

    what = f"{number(len(proposal.plan.due), 'effect')} on {number(len(proposal.chosen), 'portfolio')}"
    confirm(
        f"Do {what}, with about {number(proposal.plan.calls, 'call')} to the CRM?",
        yes=yes,
        otherwise="nothing was done",
    )
    summary = bulk.Summary()
    with finish_group_on_interrupt() as stop:
        results = carry_out(built, proposal, summary, reason=reason, stop=stop.is_set)
        return report_results(results, summary, len(proposal.chosen), what="Backfilling", as_json=as_json, stop=stop)
