"""Faults in what the commands tell an admin: what is shown, suggested, compared, and said of another clock or mapping."""

from tests.mutation.mutant import Mutant

AGREEMENT, STATUS, HEARTBEAT = "sync/observe/agreement.py", "sync/observe/status.py", "sync/observe/heartbeat.py"
_ANOTHER_TEST = "tests/story/test_another_mapping_or_clock.py::"

MUTANTS = (
    # another mapping or clock
    Mutant(
        "old-mapping-unsaid", "A service that goes on by an old mapping is not told of: `explain` shows what will not be done.",
        AGREEMENT, "if one.mapping not in {None, digest}", "if one.mapping not in {None, digest, one.mapping}",
        test=_ANOTHER_TEST + "test_a_mapping_changed_under_a_running_service",
    ),
    Mutant(
        "unreadable-mapping-unsaid", "A mapping that can no longer be read is no news until the next start.",
        STATUS, "    found += unreadable\n", "",
        test=_ANOTHER_TEST + "test_a_mapping_that_can_no_longer_be_read",
    ),
    Mutant(
        "rehearsal-taken-for-dead", "Asked by the machine's clock, `status` has a healthy worker of a rehearsal killed.",
        AGREEMENT, "        and abs(now - one.beat_at) > SILENT_FOR", "        and now - one.beat_at < -SILENT_FOR",
        test=_ANOTHER_TEST + "test_asked_by_the_machines_clock_in_a_rehearsal",
    ),
    Mutant(
        "still-clock-no-sign", "With the sandbox's clock standing still, the worker gives no sign of life.",
        HEARTBEAT, "not all(timedelta()", "not any(timedelta()",
        test=_ANOTHER_TEST + "test_a_clock_that_stands_still_stops_no_sign_of_life",
    ),
)  # fmt: skip
