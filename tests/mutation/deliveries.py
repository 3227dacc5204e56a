"""Faults between a webhook's answer and the work that it asks for: what is kept must be unpacked, once, by whoever comes."""

from tests.mutation.mutant import Mutant

UNPACKING = "webhooks/unpacking.py"
RAW = "sync/storage/raw_deliveries.py"
INBOX = "sync/storage/inbox.py"
TESTS = "tests/unit/receiver/test_unpacking.py"

MUTANTS = (
    Mutant(
        "unpacked-by-id", "Whoever comes second takes what has the id of a removed delivery for unpacked.",
        RAW, "if one == known[one.id]}", "if one.id in known}",
        test=f"{TESTS}::test_an_id_that_is_used_again",
        why="It takes two processes, a repeated delivery and a new one within milliseconds.",
    ),
    Mutant(
        "unpacked-twice", "A delivery that another worker has unpacked meanwhile is unpacked again.",
        INBOX, "mine = {one: found for one, found in parsed.items() if one.id in waits}", "mine = dict(parsed)",
        test=f"{TESTS}::test_two_take_the_same_one",
        why="Its events are known by then: it costs a removed row, and the count of what came again is wrong.",
    ),
    Mutant(
        "unpacked-not-marked", "A delivery stays to be unpacked, again and again.",
        RAW, "        connection.execute(_UNPACKED, kept)\n", "        pass\n",
        test=f"{TESTS}::test_a_receiver_keeps_and_unpacks_nothing",
    ),
    Mutant(
        "poison-holds-up", "A delivery that cannot be unpacked holds up all behind it.",
        UNPACKING, "            if isinstance(error, StoreError) and not refuses_values(error):\n",
        "            if error:\n",
        test=f"{TESTS}::test_one_that_cannot_be_unpacked_is_put_aside_alone",
        why="No event of the simulation's is such.",
    ),
    Mutant(
        "busy-is-poison", "What the database does not take at this moment counts as unreadable.",
        UNPACKING, "            if isinstance(error, StoreError) and not refuses_values(error):\n",
        "            if isinstance(error, KeyboardInterrupt):\n",
        test=f"{TESTS}::test_a_database_that_takes_nothing_lets_it_wait",
        why="The simulation's database takes everything.",
    ),
    Mutant(
        "poison-forgotten", "What could not be unpacked is not tried again by the version that can.",
        "sync/service/worker.py", "            raw_deliveries.try_again(connection)\n", "",
        test="tests/story/test_deliveries_put_aside.py::test_a_start_tries_again",
        why="No event of the simulation's is such.",
    ),
    Mutant(
        "waiting-pruned", "A delivery that nobody has unpacked is removed with the old ones.",
        RAW, "deliveries.c.received_at < to_ms(moment), deliveries.c.pending.is_(None)",
        "deliveries.c.received_at < to_ms(moment)",
        test=f"{TESTS}::test_what_waits_is_backlog_and_is_never_pruned",
        why="It takes a worker that is down for weeks.",
    ),
    Mutant(
        "nobody-stands-in", "With no worker that can, nobody unpacks.",
        UNPACKING, "not timedelta() <= self._clock.now() - since < OVERDUE", "self._clock.now() - since < -OVERDUE",
        test=f"{TESTS}::test_a_receiver_unpacks_what_nobody_else_does",
        why="The simulation's worker unpacks.",
    ),
    Mutant(
        "drain-unpacks-nothing", "A worker looks for work, and not into what webhooks have told.",
        "sync/service/drain.py", "    service.unpack()\n    more = True\n", "    more = True\n",
        test="tests/story/test_worker.py::test_a_search_that_fails_keeps_no_webhook_waiting",
    ),
    Mutant(
        "quick-check-nested", "The quick check passes what unpacking refuses for its depth.",
        "webhooks/events.py", ' or body.count(b"{") != len(shapes) or body.count(b"[") != 1', "",
        test="tests/unit/receiver/test_refusing.py::test_the_quick_check_of_a_body_says_what_parsing_says",
        why="HubSpot's events are flat.",
    ),
    Mutant(
        "quick-check-not-utf8", "The quick check passes bytes that are no UTF-8.",
        "webhooks/events.py", "_SHAPES.decode(body.decode())", "_SHAPES.decode(body)",
        test="tests/unit/receiver/test_refusing.py::test_the_quick_check_of_a_body_says_what_parsing_says",
        why="HubSpot sends UTF-8.",
    ),
    Mutant(
        "kept-one-by-one", "Deliveries that wait together are a commit each.",
        "webhooks/keeping.py", "taken, self._waiting = self._waiting, []",
        "taken, self._waiting = self._waiting[:1], self._waiting[1:]",
        test="tests/unit/receiver/test_receiving.py::test_those_that_wait_at_a_moment_are_one_commit",
        why="It costs time, and loses nothing.",
    ),
    Mutant(
        "writer-begun-in-name", "A writer that could not begin counts as one that writes: nothing is ever kept again.",
        "webhooks/keeping.py", "                threading.Thread(target=self._write, name=\"keeping\", daemon=True).start()\n"
        "                self._writes = True", "                self._writes = True\n"
        "                threading.Thread(target=self._write, name=\"keeping\", daemon=True).start()",
        test="tests/unit/receiver/test_receiving.py::test_a_writer_that_cannot_begin_is_begun_with_the_next_delivery",
        why="The simulation's machine has threads.",
    ),
    Mutant(
        "report-begun-in-name", "A report whose making could not begin counts as one in the making, for ever.",
        "sync/board/reckoner.py", "            job = (question, Future())\n",
        "            job = self._job = (question, Future())\n",
        test="tests/board/test_reports.py::test_a_report_whose_making_cannot_begin_is_begun_by_who_comes_next",
        why="The simulation opens no board, and its machine has threads.",
    ),
    Mutant(
        "where-as-a-list", "Where an error came about is told as no log for people can print it.",
        "sync/log.py", 'return "\\n".join(f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames)',
        'return [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames]',
        test="tests/unit/receiver/test_refusing.py::"
        "test_the_log_says_where_an_error_came_about_and_nothing_of_its_words",
        why="The simulation reads no log, and nothing in it fails so.",
    ),
    Mutant(
        "gathers-nothing", "Deliveries that come in step are kept by a commit for each two or three.",
        "webhooks/keeping.py", "            if len(taken) > 1:\n", "            if len(taken) > 1000:\n",
        test="tests/unit/receiver/test_receiving.py::test_those_that_wait_at_a_moment_are_one_commit",
        why="It costs time, and loses nothing.",
    ),
    Mutant(
        "answered-though-not-kept", "A delivery that the database did not take is answered with 200.",
        "webhooks/keeping.py", "        if mine.error is not None:\n", "        if mine.error is mine:\n",
        test="tests/unit/receiver/test_receiving.py::test_what_cannot_be_kept_is_not_answered_with_200",
        why="The simulation's database takes everything.",
    ),
)  # fmt: skip
