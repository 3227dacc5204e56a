"""Faults that show on one kind of database alone: SQLite and PostgreSQL compare, keep and refuse texts each in its own way."""

from tests.mutation.mutant import Mutant

POSTGRES, MOVING = "sync/storage/postgres.py", "sync/storage/moving.py"
KEYS = "sync/storage/migrations/versions/0024_keys_of_any_length.py"
_BOTH_TEST = "tests/unit/test_both_databases.py::"
_TLS_TEST = "tests/unit/test_postgresql_tls.py::"
_POOLER_TEST = "tests/unit/test_postgresql_pooler.py::"
_UNFIT_TEST = "tests/story/test_unfit_text.py::"

MUTANTS = (
    Mutant(
        "moved-nobody-knows-where", "Whoever starts on the database that was moved to a server is told to start on an empty one.",
        "sync/storage/moving.py", "        service_state.put(connection, service_state.MOVED_TO, target.place)\n", "",
        test="tests/story/test_db_copy.py::test_nobody_starts_on_the_old_one",
    ),
    Mutant(
        "left-by-another-spelling", "On PostgreSQL whoever left is not found where their email was typed in capitals.",
        "sync/storage/looks.py", "looks.c.named.icontains(", "looks.c.named.contains(",
        test=_BOTH_TEST + "test_an_email_is_found_however_it_is_written",
    ),
    Mutant(
        "odd-id-is-trouble", "PostgreSQL is said to be in trouble where somebody asks for a client by a NUL.",
        POSTGRES, "json.dumps(storable(value))", "json.dumps(value)",
        test=_BOTH_TEST + "test_nothing_is_called_by_a_text_that_no_database_holds",
    ),
    Mutant(
        "copied-but-for-a-column", "After a database was taken along what the breaker holds is held no more.",
        MOVING, "[dict(row) for row in part]",
        """[{**row} | ({"held_effects": None} if "held_effects" in row else {}) for row in part]""",
        test="tests/unit/test_moving.py::test_every_value_of_every_table_is_kept",
    ),
    Mutant(
        "left-open-in-vain", "A session that is no good for a lock stays open, each time that a worker tries.",
        "sync/storage/session_locks.py", "unless_it_is_good.enter_context(closing(self._server.connect()))",
        "self._server.connect()",
        test="tests/unit/test_postgresql.py::TestLanes::test_a_session_that_is_no_good_for_a_lock_is_ended",
    ),
    Mutant(
        "refused-is-not-there", "Whoever has no TLS, or another CA's certificate, is asked whether the server runs.",
        POSTGRES, "            if re.search(pattern, said):\n                return words\n", "            pass\n",
        test=_TLS_TEST + "test_what_is_not_had_is_refused_in_plain_words",
    ),
    Mutant(
        "a-slip-for-ever", "A worker tries an address again and again that PostgreSQL's client does not understand.",
        POSTGRES, " or _WRONG_OPTION.search(str(error)):", ":",
        test=_TLS_TEST + "test_an_address_with_a_slip_is_a_wrong_setting",
    ),
    Mutant(
        "a-slip-in-the-password", "What stands behind a slash in a password is printed.",
        POSTGRES, """ or "@" in url.partition("://")[2].partition("/")[2]:""", ":",
        test=_TLS_TEST + "test_a_slip_in_the_password_is_not_quoted",
    ),
    Mutant(
        "announcements-by-b-tree", "PostgreSQL refuses the announcement of an Ad Set of two hundred tickets, for ever.",
        KEYS, "ALTER TABLE occurrence ADD CONSTRAINT occurrence_key EXCLUDE USING hash (key WITH =)",
        "ALTER TABLE occurrence ADD CONSTRAINT occurrence_key UNIQUE (key)",
        test=_BOTH_TEST + "test_an_ad_set_may_have_any_number_of_tickets",
    ),
    Mutant(
        "keys-found-by-hash-alone", "PostgreSQL takes an effect of the same key twice: it is done twice.",
        KEYS, "ALTER TABLE effect ADD CONSTRAINT effect_key EXCLUDE USING hash (key WITH =)",
        "CREATE INDEX effect_key ON effect USING hash (key)",
        test=_BOTH_TEST + "test_a_key_is_there_once_and_an_effect_has_its_occurrence",
    ),
    Mutant(
        "effect-of-nothing", "PostgreSQL takes an effect whose occurrence was never written down.",
        KEYS, "for statement in (*_BY_HASH, *_OF_ITS_OCCURRENCE, *_REPLICATED):", "for statement in (*_BY_HASH, *_REPLICATED):",
        test=_BOTH_TEST + "test_a_key_is_there_once_and_an_effect_has_its_occurrence",
    ),
    Mutant(
        "counted-one-by-one", "To take a long ledger along to PostgreSQL takes days.",
        MOVING, "ALTER TABLE effect DISABLE TRIGGER USER", "SELECT 1",
        test=_BOTH_TEST + "test_a_long_ledger_is_copied_without_counting_it_anew",
    ),
    Mutant(
        "counts-no-more", "After it was taken along to PostgreSQL no effect is counted.",
        MOVING, "ALTER TABLE effect ENABLE TRIGGER USER", "SELECT 1",
        test=_BOTH_TEST + "test_a_long_ledger_is_copied_without_counting_it_anew",
    ),
    Mutant(
        "log-as-typed", "`handoffs log` ends with a traceback for a name that was typed in another encoding.",
        "sync/commands/log.py", 'metavar="[CLIENT]", type=storable_text', 'metavar="[CLIENT]"',
        test=_UNFIT_TEST + "test_what_is_typed_in_another_encoding",
    ),
    Mutant(
        "event-as-typed", "`handoffs replay --event` ends with a traceback for a text that was typed in another encoding.",
        "sync/commands/replay.py", 'metavar="ID", type=storable_text', 'metavar="ID"',
        test=_UNFIT_TEST + "test_what_is_typed_in_another_encoding",
    ),
    Mutant(
        "waits-for-a-pooler", "A worker waits for minutes, and says nothing, where a pooler has no connection free.",
        POSTGRES, '            _require_answer(connection, float(how["connect_timeout"]))\n', "            pass\n",
        test=_POOLER_TEST + "test_one_that_has_no_connection_free_is_waited_for_no_longer_than_a_server",
    ),
    Mutant(
        "a-pooler-is-a-restart", "Whoever has used up a pooler's connections is told that the server was stopped.",
        POSTGRES, "        elif found == _POOLERS_OWN:\n            words = _refusal(said)\n", "",
        test=_POOLER_TEST + "test_what_it_says_later_is_told_apart_from_a_server_that_stops",
    ),
    Mutant(
        "no-time-in-silence", "A worker that cannot ask whether it is to poll and sweep says nothing of it.",
        "sync/storage/timekeeper.py", "            if self._kept_from_it.is_due():\n", "            if not self._kept_from_it:\n",
        test="tests/story/test_many_workers.py::TestTimekeeper::test_whoever_cannot_ask_says_so",
    ),
    Mutant(
        "the-other-databases-setting", "Whoever mistypes `db copy --to` is told to set DATABASE_URL.",
        POSTGRES, "return words.replace(SETTING, self._given_as)", "return words",
        test="tests/story/test_db_copy.py::test_a_wrong_target_is_named_by_its_option",
    ),
    Mutant(
        "a-dead-workers-lane-sleeps", "Whoever waits for a lane looks no more, though the one that had it is dead.",
        "sync/service/worker.py", "                    return DUE_ELSEWHERE\n                later",
        "                    return 3600.0\n                later",
        test="tests/story/test_many_workers.py::test_a_dead_workers_lane_is_another_ones_and_a_frozen_ones_is_not",
    ),
)  # fmt: skip
