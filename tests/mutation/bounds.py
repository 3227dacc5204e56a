"""Faults in what must not go on, or grow, without end."""

from tests.mutation.mutant import Mutant

COUNTED, RETENTION = "sync/storage/migrations/versions/0008_counted_effects.py", "sync/storage/retention.py"
WORKER, DUMP = "sync/service/worker.py", "sync/passes/dump.py"

MUTANTS = (
    Mutant(
        "counts-only-grow", "An effect that changes its state is counted in the old one as well.",
        COUNTED, 'f"BEGIN {_ONE_LESS}{_ONE_MORE}END"', 'f"BEGIN {_ONE_MORE}END"',
        test="tests/unit/test_counts.py::test_the_counts_follow_every_change",
    ),
    Mutant(
        "count-reads-all", "Each scrape of the metrics counts the whole ledger.",
        "sync/storage/ledger/history.py", "for state, number in connection.execute(_ALL)}",
        "for state, number in connection.execute(select(effects.c.state, func.count()).group_by(effects.c.state))}",
        test="tests/unit/test_counts.py::test_no_count_reads_the_whole_ledger",
    ),
    Mutant(
        "never-pruned", "The service itself removes no old deliveries.",
        WORKER, "for chore in (*self._timed, self._retention):", "for chore in self._timed:",
        test="tests/story/test_worker.py::test_the_service_itself_removes_what_is_older_than_it_is_kept",
    ),
    Mutant(
        "pruned-young", "Deliveries are removed before their time.",
        WORKER, "now - timedelta(days=service.settings.retention_days)", "now",
        test="tests/story/test_worker.py::test_the_service_itself_removes_what_is_older_than_it_is_kept",
    ),
    Mutant(
        "dump-unbounded", "All that a failed pass has seen is kept, however long it is.",
        DUMP, "    if over <= 0:\n        return failure\n", "    if over:\n        return failure\n",
        test="tests/story/test_dead.py::test_what_is_kept_of_a_failed_pass_is_bounded",
    ),
)  # fmt: skip
