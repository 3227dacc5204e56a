"""`handoffs apply`: carry out a plan that was kept, and nothing else."""

from pathlib import Path

import click

from sync.commands import session
from sync.commands.bulk_report import report_results
from sync.commands.options import JSON_LINES, YES
from sync.commands.output import number, say
from sync.commands.terminal import confirm, finish_group_on_interrupt, progress_bar


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@YES
@JSON_LINES
def apply(file: Path, yes: bool, as_json: bool) -> None:
    """Carry out a plan that `handoffs plan --out FILE` has kept: that, and nothing else.

    Each portfolio is decided anew first. Where something else is due by now the plan is stale: those portfolios are
    named and left alone, the others carried out. Texts tell dates, so that a plan is good for its day. What of it is done
    already is not done again: a second time it says so, and after a run that was cut off it does the rest.

    \b
    Example:
      handoffs plan --out monday.json
      handoffs apply monday.json --yes

    \b
    Exit codes: 0 carried out, or done already; 1 something failed or is
      unknown; 2 the file is no plan; 3 some of it is stale, it was not
      answered with yes, or the breaker holds work; 4 the token is refused;
      5 the mapping does not fit the portal
    """
    from sync.admin.plan import read_file
    from sync.errors import RefusedError

    kept = read_file(file)
    if kept.until is not None:
        raise RefusedError(f"{file} looks ahead to {kept.until}: a plan made without --at can be applied")
    with session.service(bulk=True) as built:
        from sync.admin import bulk
        from sync.admin.apply import carry_out
        from sync.admin.plan import make, undone
        from sync.admin.plan import stale as find_stale

        built.require_own_portal()
        planned = len(kept.due)
        kept = undone(kept, built.store)
        _say_done(planned, planned - len(kept.due))
        with progress_bar("Deciding anew") as progress:
            fresh = make(built.reading, kept.units, progress=progress)
        stale = find_stale(kept, fresh)
        fit = [unit for unit in kept.units if unit not in stale]
        for unit, why in stale.items():
            say(f"Stale: {unit}: {why}")
        if not fit:
            if stale:
                raise RefusedError("nothing was done: plan anew")
            return
        part = kept.narrowed(fit)
        question = f"Do {number(len(part.due), 'effect')} on {number(len(fit), 'record')}?"
        confirm(question, yes=yes, otherwise="nothing was done")
        summary = bulk.Summary()
        with finish_group_on_interrupt() as stop:
            results = carry_out(built, kept, stale, summary, file=file, stop=stop.is_set)
            code = report_results(results, summary, len(fit), what="Applying", as_json=as_json, stop=stop)
    if stale:
        say(f"{number(len(stale), 'record')} left alone: stale. Plan anew.")
    click.get_current_context().exit(code or (3 if stale else 0))


def _say_done(planned: int, done: int) -> None:
    if not planned:
        say("The plan is empty: there is nothing to do.")
    elif done == planned:
        say(f"Done already: all {number(planned, 'effect')} of the plan. Nothing was done again.")
    elif done:
        say(f"Done already: {done:,} of {number(planned, 'effect')} of the plan.")
