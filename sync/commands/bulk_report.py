"""What commands on many records share (apply, backfill, replay, dead retry): the outcome of each record, and the sum."""

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from sync.commands.output import (
    console,
    number,
    print_json_line,
    print_wrapped,
    say,
)
from sync.commands.terminal import finish_group_on_interrupt, progress_bar
from sync.errors import INTERRUPTED

if TYPE_CHECKING:
    from sync.admin.bulk import Result, Summary
    from sync.crm import RecordRef
    from sync.ending import Ending
    from sync.service.bootstrap import Service


def report_results(
    results: "Iterable[Result]", summary: "Summary", total: int, *, what: str, as_json: bool, stop: "Ending"
) -> int:
    """Print each result as it comes, then the sum; return the command's exit code.

    `summary` fills while `results` is consumed. `total` is how many records were chosen; more may turn up. `what`
    stands before the progress bar. `stop` is what comes of `finish_group_on_interrupt`. Raises what `results` raises.
    """
    from sync.admin.bulk import RecordOutcome

    out = console()
    done = 0
    with progress_bar(what) as progress:
        progress(0, total)
        for result in results:
            done += 1
            progress(done, max(total, done))
            if as_json:
                print_json_line(result.as_json())
            elif result.outcome is not RecordOutcome.SKIPPED:
                with out.capture() as captured:
                    print_wrapped(out, _result_line(result), "  ")
                sys.stdout.write(captured.get())  # for which the bar makes way, where both are on one terminal
            elif result.reason and result.reason != "nothing to do":
                say(_result_line(result))
    if as_json:
        print_json_line({"summary": True, **summary.as_json(), "interrupted": stop.is_set()})
    else:
        parts = [f"{summary.records[outcome]:,} {outcome.value}" for outcome in RecordOutcome]
        out.print(f"{number(done, 'record')}: {', '.join(parts)}; {number(summary.effects['done'], 'effect')} done")
    if summary.tally.held:
        say(f"{number(summary.tally.held, 'effect')} held. `handoffs release --reason …` lets them go.")
    if summary.left:
        say(f"{number(summary.left, 'record')} left: the same command goes on with them.")
    return INTERRUPTED if stop.is_set() else summary.exit_code


def _result_line(result: "Result") -> str:
    counts = ", ".join(f"{count} {state}" for state, count in sorted(result.effects.items()))
    text = f"{result.record}: {result.outcome}"
    if counts and counts != f"1 {result.outcome}":
        text += f" ({counts})"
    return text + (f": {result.reason}" if result.reason else "")


def list_records(records: "Sequence[RecordRef]", limit: int = 10) -> str:
    """Format the first `limit` records and the number of the others: `portfolio 1001, ticket 2001, and 4 more`."""
    shown = ", ".join(str(record) for record in records[:limit])
    return shown + (f", and {len(records) - limit:,} more" if len(records) > limit else "")


def replay_records(built: "Service", records: "Sequence[RecordRef]", command: str, *, as_json: bool) -> int:
    """Look at these records again, print what comes of it, and return the command's exit code.

    The run is kept in the database under `command`. Raises what concerns every record.
    """
    from sync.admin import bulk
    from sync.admin.replay import carry_out

    summary = bulk.Summary()
    with finish_group_on_interrupt() as stop:
        results = carry_out(built, records, command, summary, stop=stop.is_set)
        return report_results(results, summary, len(records), what="Looking", as_json=as_json, stop=stop)
