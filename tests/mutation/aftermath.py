"""Faults after a lost database, a changed mapping and a merge, and in what `verify` says then."""

from tests.mutation.mutant import Mutant

ENDINGS = "sync/rules/handoffs/endings.py"
DOUBLED = "sync/admin/verify/doubled.py"
WORK = "sync/rules/handoffs/work.py"
LEDGER_RECOVERY = "sync/storage/ledger/recovery.py"
BOOKKEEPING = "sync/passes/bookkeeping.py"
PERFORM = "sync/passes/effects/perform.py"
YOUNG_LEDGER = "sync/passes/effects/young_ledger.py"
COPIES = "sync/storage/copies.py"
RECOVERY = "sync/passes/recovery.py"
POLL = "sync/passes/poll.py"
CRM = "sync/crm.py"
BEGINNINGS = "sync/service/beginnings.py"
BOOTSTRAP = "sync/service/bootstrap.py"
CAUSES = "sync/admin/verify/causes.py"
RECORDS = "sync/passes/snapshot/records.py"
SCOPE = "sync/passes/snapshot/scope.py"
TODAYS_WORDS = "sync/passes/snapshot/todays_words.py"
FOUND = "sync/passes/found.py"

MUTANTS = (
    # a lost database
    Mutant(
        "lost-tasks-not-taken-back", "After a loss the tasks in the CRM are not taken back.",
        RECOVERY, "found = _found(crm, portal, since)", "found: list[str] = []",
        first=("story:database_lost_after_the_date_had_come",),
    ),
    Mutant(
        "lost-condition-is-known", "After a loss `verify` takes the condition that is in force for the one of then.",
        CAUSES, "evidence.context.mapping.portfolio.condition and", "False and",
        test="tests/story/test_changed_mapping.py::test_once_the_database_is_lost_nobody_knows_what_the_condition_left_out",
    ),
    Mutant(
        "lost-emails-not-taken-back", "After a loss the emails of a task that was found are sent again.",
        LEDGER_RECOVERY, "        connection.execute(emails.values(**done, attempted_at=before))\n", "        del emails\n",
        test="tests/unit/test_ledger.py::test_a_task_found_before_it_was_made_takes_its_emails_along",
    ),
    Mutant(
        "put-back-not-asked", "A copy that is put back takes for known what it knew when it was made.",
        COPIES, "(*service_state.OF_THE_RECOVERY, *of_the_copy)", "of_the_copy",
        test="tests/story/test_put_back.py::test_what_was_done_since_the_copy_is_not_done_again[later]",
    ),
    Mutant(
        "put-back-as-old", "What a copy does not know counts as never done, because it is older than the ledger.",
        COPIES, "        service_state.put(connection, service_state.LEDGER_BEGAN, now)\n", "",
        test="tests/story/test_put_back.py::test_a_revision_that_an_open_task_stood_for_is_not_answered_again",
    ),
    Mutant(
        "put-back-refused-again", "What was refused when a copy was made, and has been made since, is made again.",
        LEDGER_RECOVERY, "        mark_recovered(connection, effect_key, task, made_at)\n", "        pass\n",
        test="tests/story/test_put_back.py::test_what_was_refused_when_it_was_copied_has_been_done_since",
    ),
    Mutant(
        "copy-half-left", "A copy for which there was no room leaves what it has written.",
        COPIES, "            each.unlink(missing_ok=True)\n", "            each.exists()\n",
        test="tests/story/test_put_back.py::test_a_full_disk_leaves_nothing_under_the_name[copy_to]",
    ),
    Mutant(
        "lost-half-a-ticket", "After a loss the second task of a ticket, of which the first was made, never is.",
        WORK, "    return tuple((kind, role) for kind, role in work if kind not in found)",
        "    return tuple((kind, role) for kind, role in work if kind in found and not found)",
        test="tests/story/test_lost_database.py::test_one_task_of_a_ticket_was_made_the_other_was_not",
    ),
    Mutant(
        "lost-not-looked-first",
        "While the search may lag after a loss, tasks are made without a look at their record.",
        YOUNG_LEDGER, "        found = self._taken_back(looked_for, keys)\n", "        found = FoundTasks()\n",
        test="tests/story/test_lost_database.py::test_the_search_lags_and_nothing_is_made_twice",
        why="The index lags by seconds, and a loss so soon after a task was made is rare.",
    ),
    Mutant(
        "lost-not-asked-twice", "After a loss the search is asked once, though it may not show the newest tasks yet.",
        RECOVERY, "    if final is not None or (asked is not None and now < max(began, tried or began) + SEARCH_LAGS):",
        "    if final is not None or asked is not None:",
        test="tests/story/test_lost_database.py::test_what_the_search_did_not_show_is_taken_back_later",
        why="The index lags by seconds, and a loss so soon after a task was made is rare.",
    ),
    Mutant(
        "lost-on-its-way", "After a loss tasks are made at once, though one that was on its way may still land.",
        YOUNG_LEDGER, "if until is None or self._clock.now() >= until:", "if effects is not None:",
        test="tests/story/test_lost_database.py::test_a_task_that_lands_after_the_loss_is_not_made_twice",
    ),
    Mutant(
        "lost-emails-go-ahead", "After a loss an email is sent while its task may still be found.",
        PERFORM, "emails = self._young_ledger.emails_to_send(free, portal.task_keys, done)",
        "emails = free",
        test="tests/story/test_lost_database.py::test_a_task_that_lands_after_the_loss_is_not_made_twice",
    ),
    Mutant(
        "lost-blocked-task-not-looked-for", "After a loss a task that waits for a person is not looked for before the emails.",
        YOUNG_LEDGER, "blocked = [task for task in tasks if task.state is EffectState.BLOCKED]",
        "blocked: list[LedgerEffect] = []",
        test="tests/story/test_lost_database.py::test_a_task_for_whom_nobody_is_named_any_more_was_made_all_the_same",
        why="The index lags by seconds, and a loss so soon after a task was made is rare.",
    ),
    Mutant(
        "lost-first-poll", "After a loss the first poll begins where the new ledger does.",
        POLL, "service_state.get(connection, service_state.GO_LIVE)", "None",
        test="tests/story/test_lost_database.py::test_what_nobody_had_looked_at_before_the_loss_is_found_after_it",
    ),
    Mutant(
        "lost-reset-repeated", "After a loss a closing whose date was moved already moves it once more.",
        ENDINGS, "            return bool(moves)\n", "            return False\n",
    ),
    Mutant(
        "lost-homes-unknown", "After a loss nobody knows which portfolio a deleted ticket's tasks were made on.",
        RECOVERY, "parents.get(at.id)", "None",
        test="tests/story/test_lost_database.py::test_a_decline_closes_what_was_made_on_a_ticket_that_is_deleted_since",
    ),
    Mutant(
        "recovered-where-it-was", "After a loss a ticket is taken to be on the portfolio that it had left.",
        RECOVERY, "if len(ends.get(task, ())) <= 1}", "if len(ends.get(task, ())) == 1}",
        test="tests/story/test_lost_database.py::"
        "test_a_closing_leaves_what_was_made_on_a_ticket_after_it_had_left",
    ),
    Mutant(
        "lost-persons-date-counts", "After a loss a date that a person has set is taken for the service's own move.",
        ENDINGS, "if version.own and context.times", "if context.times",
        test="tests/story/test_interruptions.py::test_a_date_that_a_person_moved_is_not_the_answer_to_a_decline",
    ),
    Mutant(
        "lost-one-move-for-all", "After a loss one move of the date is taken for the answer to every ending before it.",
        ENDINGS, "            del moves[0]\n    return False", "            pass\n    return False",
        test="tests/unit/handoffs/test_2a_declined.py::test_one_move_of_the_date_stands_for_one_decline",
    ),
    # verify, where the CRM no longer shows what would tell
    Mutant(
        "verify-merged-date-accused", "A date whose version another record's have pushed out of the history never was.",
        CAUSES, "if evidence.portfolio.absorbed and len(history)", "if False and len(history)",
        test="tests/story/test_verify.py"
        "::test_a_date_that_a_merge_has_pushed_out_of_the_visible_history_is_not_judged",
    ),
    Mutant(
        "verify-deleted-ticket-accused", "On a ticket that was deleted since no version opened a round.",
        DOUBLED, "    if ticket is None:\n        return True", "    if ticket is None:\n        return False",
        test="tests/story/test_verify.py::test_the_rounds_of_a_ticket_that_was_deleted_since_are_not_judged",
    ),
    # a changed mapping
    Mutant(
        "mapping-first-for-ever", "Only the first mapping is kept: what was set since is judged by it for ever.",
        BOOTSTRAP, "if last is None or not last.same_but_since(mine):", "if last is None:",
        test="tests/story/test_changed_mapping.py::test_a_smaller_window_is_the_one_that_a_date_is_moved_out_of",
    ),
    Mutant(
        "mapping-moves-going-live", "Another time zone in the mapping makes GO_LIVE another moment, and ends the start.",
        BEGINNINGS, "if kept not in {", "if settings.go_live not in {",
        test="tests/story/test_changed_mapping.py::test_going_live_stays_what_it_was_in_the_zone_of_its_day",
    ),
    Mutant(
        "mapping-unknown-accused", "After a loss `verify` judges a kickoff's date by the window that the mapping says now.",
        CAUSES, " or not past.is_known(version.at)", "",
        test="tests/story/test_changed_mapping.py::test_verify_accuses_no_kickoff_of_a_mapping_that_nobody_knows",
    ),
    Mutant(
        "mapping-condition-of-now", "Since when a portfolio is inside is told by the condition that the mapping says now.",
        SCOPE, "periods = [(one.since, one.condition) for one in past.mappings]",
        "periods = [(past.mappings[0].since, conditions)] if past.mappings else []",
        test="tests/unit/test_todays_words.py::test_inside_since[comes in by the new condition]",
    ),
    Mutant(
        "mapping-condition-begins-anew", "Every portfolio is inside since the newest condition, which forgets its past.",
        SCOPE, "return True, tuple(found)", "return True, (Stay(None, periods[-1][0]),) if ends else tuple(found)",
        test="tests/story/test_changed_mapping.py::test_who_was_inside_all_the_time_is_judged_by_the_whole_history",
    ),
    Mutant(
        "mapping-merged-newest-stands", "Of a merged record the newest version, of whomever, is read as what stands.",
        "sync/passes/snapshot/todays_words.py", "shown = history if record.absorbed else history[:1]", "shown = history[:1]",
        test="tests/unit/test_todays_words.py::test_what_stands_is_read_by_todays_mapping_alone",
    ),
    Mutant(
        "merged-standing-by-time", "A value that the primary took over stands by its time, behind what the primary had emptied.",
        "sync/rules/identity.py", "*standing, *(version for version in by_time if version not in standing))", "*by_time)",
        test="tests/unit/handoffs/test_merged.py::test_decision[merged a value that the primary took from the other one is "
        "emptied once it was answered, though it had emptied its own since]",
    ),
    Mutant(
        "condition-came-inside", "What came inside counts no longer if it went while the portfolio was outside.",
        "sync/rules/context.py", "(stay.begun is None or stay.begun <= version.at) and replaced_at < stay.ended",
        "replaced_at < stay.ended",
        test="tests/unit/handoffs/test_condition.py::test_decision"
        "[condition declined while inside, and gone while outside: counts, and is carried out once it is inside again]",
    ),
    Mutant(
        "condition-stays-apart", "Two stays outside that follow on each other are two: what came in one went in the other.",
        SCOPE, "found[-1].ended == stay.begun", "False",
        test="tests/unit/test_todays_words.py::test_every_time_outside_is_told_whole",
    ),
    Mutant(
        "mapping-old-condition-unread", "The property of the old condition is not read: nobody was inside before the new one.",
        RECORDS, "*(condition.property for condition in mapping.condition), *sorted(former)]",
        "*(condition.property for condition in mapping.condition), *sorted(former - portal.on_portfolios)]",
        test="tests/story/test_changed_mapping.py::test_who_was_inside_all_the_time_is_judged_by_the_whole_history"
        "[no condition]",
    ),
    Mutant(
        "mapping-ended-outside", "A decline that came and went outside of the condition has begun a new cycle.",
        "sync/rules/context.py", "if not self._passed_unseen(ending))", "if ending)",
        test="tests/unit/handoffs/test_condition.py::test_decision"
        "[condition a decline that came and went while outside has ended no cycle: no second kickoff]",
    ),
    Mutant(
        "mapping-ended-inside-forgotten", "A decline carried out before the portfolio left the condition has ended nothing.",
        "sync/rules/context.py", "and str(ending.version.ms) not in told", "and (not told or ending.version.ms > 0)",
        test="tests/unit/handoffs/test_condition.py::test_decision"
        "[condition and so it has where the database is lost: the keys of the next one tell the cycle]",
    ),
    Mutant(
        "mapping-names-of-now", "What was set under an old name is read by today's names alone.",
        TODAYS_WORDS, "names = now if stands else _names_at(periods, version.at)", "names = now",
        test="tests/unit/test_todays_words.py::test_a_status_is_read_by_the_mapping_in_force[by its name of then]",
    ),
    Mutant(
        "mapping-renaming-is-an-act", "Moving records from an old value to the new one counts as set anew.",
        TODAYS_WORDS, "return self.word == word and self.value != value and", "return False and",
        test="tests/unit/test_todays_words.py::test_a_status_is_read_by_the_mapping_in_force"
        "[moved to today's name after the change]",
    ),
    Mutant(
        "mapping-moved-first-is-an-act", "A record that was moved before the mapping was changed, and has changed since, "
        "had been moved to nothing.",
        TODAYS_WORDS, "names = _names_that_came(periods, version, after)", "names = {}",
        test="tests/unit/test_todays_words.py::test_however_often_a_value_is_replaced_it_is_one"
        "[back, each time the records first]",
    ),
    Mutant(
        "mapping-named-after-it-was-gone", "What was gone before a mapping named it was a move to another name.",
        TODAYS_WORDS, " and (after is None or since <= after.at)", "",
        test="tests/unit/test_todays_words.py::test_however_often_a_value_is_replaced_it_is_one"
        "[chosen anew before the other one was ever named]",
    ),
    Mutant(
        "mapping-forgets-what-it-came-to-name", "What a new mapping came to name while it stood counts no more once it is gone.",
        TODAYS_WORDS, "_unnamed(version.value, now) if word is None else today[word]", "_unnamed(version.value, now)",
        test="tests/unit/test_todays_words.py::test_however_often_a_value_is_replaced_it_is_one"
        "[chosen before it was named, and gone since]",
    ),
    Mutant(
        "mapping-stages-of-now", "In which stage a ticket was is told by the stages that the mapping names now.",
        TODAYS_WORDS, '{one.in_progress: "in progress", one.pending_approval: "pending approval"}',
        '{portal.in_progress: "in progress", portal.pending_approval: "pending approval"}',
        first=("26", "50"),
    ),
    Mutant(
        "mapping-pipeline-of-now", "When a ticket came into the pipeline is told by the pipeline that the mapping names now.",
        TODAYS_WORDS, '{one.pipeline: "deliverables"}', '{portal.pipeline.id: "deliverables"}',
        first=("26", "50"),
    ),
    Mutant(
        "verify-values-of-now", "`verify` reads what was written by today's words.",
        "sync/admin/verify/evidence.py", "status = None if then is None else then.statuses.get(value)", "status = None",
        test="tests/story/test_words_in_between.py::test_verify_knows_what_was_written_in_words_since_replaced[new words]",
    ),
    Mutant(
        "mapping-texts-of-now", "What was tried is looked for in the words that the mapping has by now.",
        "sync/passes/effects/known_texts.py", "kept = mapping_texts.every(connection)", "kept = list[str]()",
        test="tests/story/test_changed_texts.py::test_a_late_note_that_was_added_in_other_words_is_not_added_again",
    ),
    Mutant(
        "mapping-kept-unread", "A mapping that was kept is not read: its subjects are today's.",
        "sync/passes/effects/known_texts.py", """_KEPT_TIME.sub(r'"\\1"', text)""", "text",
        test="tests/story/test_changed_texts.py::"
        "test_a_task_that_has_lost_its_mark_is_known_by_the_subject_that_it_was_given",
    ),
    Mutant(
        "mapping-named-too-late", "A value that nobody had named when it was set is a cause once the mapping names it.",
        TODAYS_WORDS, 'return f"{value} (not named then)" if meant(value, now) is not None else value', "return value",
        test="tests/unit/test_todays_words.py::test_a_status_is_read_by_the_mapping_in_force"
        "[it was not named then, and is gone]",
    ),
    Mutant(
        "mapping-filled-in-is-set", "What was filled into a new property before the mapping named it counts as set.",
        TODAYS_WORDS, "return history if since is None else", "return history if since is None or history else",
        test="tests/story/test_changed_mapping.py::test_a_status_in_another_property_is_filled_in_first",
    ),
    # merged records
    Mutant(
        "merged-not-handed-over", "What was still to be done for a record that was merged is nobody's.",
        BOOKKEEPING, "        ledger.hand_over(connection, current)\n", "",
        test="tests/story/handoffs/test_merged.py::test_what_waits_for_a_person_goes_on",
    ),
    Mutant(
        "merged-lost-old-keys", "After a loss nobody looks for a task that carries a key of before the merge.",
        "sync/passes/effects/young_ledger.py", "since=since_caused(effects), before=before)", "since=since_caused(effects))",
        test="tests/story/handoffs/test_merged.py::"
        "test_a_task_that_the_search_does_not_show_yet_is_found_under_the_old_id",
    ),
    Mutant(
        "merged-versions-not-seen", "No pass remembers which versions it has seen of a record.",
        FOUND, "identities.see(connection, seen, ", "identities.see(connection, {}, ",
        test="tests/story/handoffs/test_merged.py::test_1_the_primary_is_told_by_its_name_where_its_date_was_just_changed",
    ),
    Mutant(
        "read-list-older-than-status", "A portfolio that is read again is taken with the older list of its tickets.",
        "sync/passes/snapshot/group.py", "if tries and self._have_changed(again.found, on.found):", "if False:",
        test="tests/story/test_interruptions.py::"
        "test_a_set_is_not_announced_without_a_ticket_that_came_before_it_was_said_to_be_complete",
    ),
    Mutant(
        "read-across-a-merge", "A portfolio that is merged while it is read is taken for one without tickets.",
        "sync/passes/snapshot/group.py", "if tries and self._are_merged_meanwhile(lists):", "if False:",
        test="tests/story/test_interruptions.py::"
        "test_a_decline_closes_the_tasks_of_tickets_though_its_portfolio_is_merged_while_it_is_read",
    ),
    Mutant(
        "line-says-it-again", "What a task's body links to already is added to it again by another line.",
        "sync/passes/effects/lines.py", "    said = set(_NOTE.findall(html.unescape(body)))", "    said = set[str]()",
        test="tests/story/test_lost_database.py::test_late_notes_that_were_added_one_by_one_are_not_added_again_together",
    ),
    Mutant(
        "two-lines-say-the-same", "Two lines of one pass add the same Note to one task.",
        "sync/passes/effects/lines.py", "                bodies[task] += line\n", "                assert line or not line\n",
        test="tests/story/test_lost_database.py::test_late_notes_that_were_added_one_by_one_are_not_added_again_together",
    ),
    Mutant(
        "merged-when-first-merged", "What an earlier merge has written dates a later one of the same record.",
        "sync/passes/bookkeeping.py", "for version in shown if version.ms >= newest", "for version in shown if newest >= 0",
        test="tests/story/handoffs/test_merged.py::test_2a_a_second_merge_is_not_as_old_as_the_first[poll and sweep]",
    ),
    Mutant(
        "verify-merged-sets-were-one", "verify takes two Ad Sets whose tickets were merged later for one.",
        "sync/admin/verify/doubled.py", "if f.at is None or f.at <= at}", "if f.at is None or f.at >= at}",
        test="tests/story/test_verify.py::test_two_sets_whose_tickets_were_merged_later_were_two",
    ),
)  # fmt: skip
