"""Faults in what is written: on which record, over what, with what need, and what becomes of what people wrote there."""

from tests.mutation.decisions import UNIT, decision
from tests.mutation.mutant import Mutant

CLOSINGS, WRITES = "sync/passes/effects/closings.py", "sync/passes/effects/writes.py"
BODIES = "sync/passes/effects/bodies.py"
REVISIONS, SET_READY = "sync/rules/handoffs/revisions.py", "sync/rules/handoffs/set_ready.py"
CLOSED, MODEL = "sync/rules/handoffs/closed.py", "sync/rules/model.py"
APPROVED = "sync/rules/handoffs/approved.py"
CYCLE, CONTEXT, DECIDE = "sync/rules/cycle.py", "sync/rules/context.py", "sync/rules/decide.py"
PORTAL, PAYLOADS = "sync/passes/portal.py", "sync/passes/effects/payloads.py"
OWN_CHANGES, DUE, FOLLOWED = (f"sync/admin/verify/{name}.py" for name in ("own_changes", "due", "followed"))
VERIFY = "tests/story/test_verify.py"
STAFF, CHECKED = "sync/rules/people.py", "tests/unit/check/test_portals.py"
ROTATED = "tests/story/test_token_rotated.py"
_CHECK_WRITES_NOTHING = "`check` changes nothing in the CRM."
PEOPLE_CHANGE, TRIES = "tests/story/test_people_change.py", "sync/passes/effects/attempts.py"
VALUES_MISSING = "tests/story/test_values_missing.py"
MOMENT = "tests/unit/test_cycle.py::test_what_happens_in_the_very_moment_of_an_ending_is_of_the_next_cycle"

_BODY = "with_line(before, lines[effect.key])"

MUTANTS = (
    Mutant(
        "body-overwritten", "The line that says why takes the place of the task's body.",
        BODIES, _BODY, 'bodies.get(task, "") + lines[effect.key]',
    ),
    Mutant(
        "body-line-first", "The line that says why is put before what stands in the task's body.",
        BODIES, _BODY, 'with_line(lines[effect.key], before)',
    ),
    Mutant(
        "body-without-line", "A task is closed without a line that says why.",
        BODIES, _BODY, 'bodies.get(task, tasks[task].properties.get(TASK_BODY, ""))',
    ),
    Mutant(
        "closed-though-completed", "A task that a person has ticked meanwhile is closed once more.",
        BODIES, 'return task is not None and task.properties.get(TASK_STATUS, "") != TASK_COMPLETED', "return task is not None",
        test="tests/story/handoffs/test_edits.py::test_a_person_completes_the_task_that_a_decline_is_about_to_close",
        why="A person must tick it between the decision and the closing's own reading: no seed that was played has that.",
    ),
    Mutant(
        "closed-though-reopened", "A task that a person has opened again since the end is closed.",
        MODEL, "return self.is_open and (self.reopened_at is None or self.reopened_at < moment)", "return self.is_open",
        test=decision("2a a lost database: what a person has opened again since stays open"),
    ),
    Mutant(
        "closed-before-the-reset", "The implementation task is closed though the reset may never be written.",
        CLOSED, 'is completed, {reason}", after)', 'is completed, {reason}")',
        test="tests/unit/handoffs/test_8_closed.py::test_8_reset_is_one_write_and_9_waits_for_it",
        why="What waits for the write of its occurrence waits anyway, unless the CRM refuses that.",
    ),
    Mutant(
        "stage-as-it-is", "A ticket that is In Progress is put there once more.",
        REVISIONS, 'if ticket.raw.get(names.stage, "") != context.in_progress:', "if True:",
    ),
    Mutant(
        "merged-write-lost", "Of two changes of one record in one pass only the later is sent.",
        WRITES, 'values.setdefault(written(effect).id, {}).update(effect.payload["values"])',
        'values[written(effect).id] = dict(effect.payload["values"])',
        test="tests/story/handoffs/test_2a_declined.py::test_2a_and_a_set_of_the_next_cycle_are_written_at_once",
    ),
    Mutant(
        "6-cleared-whatever-the-stage", "Needs Revisions is emptied though a person has moved the ticket on meanwhile.",
        REVISIONS, "for name in (names.needs_revisions, names.stage)}", "for name in (names.needs_revisions,)}",
        test="tests/unit/handoffs/test_6_revisions.py::test_6_needs_revisions_is_emptied_only_while_the_ticket_is_back",
        why="A person must move the ticket between the decision and the write.",
    ),
    # whose, and where
    Mutant(
        "owners-cached-for-ever", "Who works here is read once, and never again.",
        PORTAL, "if not _is_within(OWNERS_FOR, self._owners_at, now):",
        "if self._owners_at is None:",
    ),
    Mutant(
        "people-not-read-again", "Somebody who came a minute ago is unknown, and another one gets the work, for good.",
        PORTAL, "if strange - lately.keys():", "if strange < lately.keys():",
        test=f"{PEOPLE_CHANGE}::TestSomebodyNew::test_named_on_a_ticket_gets_its_work",
        why="Nobody is hired in the simulation.",
    ),
    Mutant(
        "people-back-not-read-again", "Somebody who is back, and was deactivated a minute ago, gets no work.",
        PORTAL, "if not portal.employs(one)}", "if one not in portal.owners}",
        test=f"{PEOPLE_CHANGE}::TestSomebodyBack::test_is_known_to_be_back",
        why="Nobody comes back within ten minutes in the simulation.",
    ),
    Mutant(
        "people-sought-all-the-time", "Somebody who has left is looked for at every look at a record that names them.",
        PORTAL, "SOUGHT_FOR = timedelta(seconds=15)", "SOUGHT_FOR = timedelta(0)",
        test=f"{PEOPLE_CHANGE}::TestSomebodyWhoLeft::test_is_not_asked_for_all_the_time",
        why="It costs calls, and changes nothing in the CRM.",
    ),
    Mutant(
        "people-authors-not-read-again", "A Note of somebody new is nobody's.",
        "sync/passes/snapshot/group.py", "portal = self._portals.with_people(portal, authors=read.authors)", "pass",
        test=f"{PEOPLE_CHANGE}::TestSomebodyNew::test_who_leaves_a_note_is_named_with_it",
        why="Nobody is hired in the simulation.",
    ),
    Mutant(
        "people-first-of-several", "Of several who are named at once the first gets the work.",
        STAFF, "if len(several) == 1:", "if several:",
        test=f"{PEOPLE_CHANGE}::TestSeveralInOneProperty::test_are_nobody_for_sure",
        why="In the simulation a property names one person.",
    ),
    Mutant(
        "misfit-values-ignored", "A status that the portal does not have stops nothing: the cycle never closes.",
        PORTAL, "if impossible := missing_values(self._mapping, known):",
        "if not (impossible := missing_values(self._mapping, known)) and impossible:",
        test=f"{VALUES_MISSING}::test_an_option_that_somebody_deletes_while_the_service_runs_is_named",
        why="In the simulation the portal has what the mapping names.",
    ),
    Mutant(
        "unlisted-not-told", "A status whose option somebody has deleted stands on, and all is well.",
        "sync/rules/unlisted.py", "if not known or value in known:", "if known or value in known:",
        test=f"{VALUES_MISSING}::TestAValueThatStandsAndCannotBeChosen::test_is_told_until_it_is_another",
        why="In the simulation nobody deletes an option that stands on a record.",
    ),
    Mutant(
        "unlisted-told-at-once", "A stage or a value that somebody has just added is taken for one that does not exist.",
        "sync/passes/portal.py", "self._doubted |= bool(new)", "pass",
        test=f"{VALUES_MISSING}::TestAValueThatStandsAndCannotBeChosen::test_that_somebody_has_just_made_is_known",
        why="In the simulation nobody adds an option and sets it within the hour.",
    ),
    Mutant(
        "unlisted-asked-for-ever", "The portal's definitions are read at each pass of a record with a value that is no option.",
        "sync/passes/portal.py", "            self._unlisted |= new\n", "            pass\n",
        test=f"{VALUES_MISSING}::TestAValueThatStandsAndCannotBeChosen::test_is_looked_for_once",
        why="In the simulation nobody deletes an option that stands on a record.",
    ),
    Mutant(
        "unlisted-for-a-week", "Of an option that is deleted or brought back nobody hears before the client's weekly look.",
        "sync/passes/looks.py", "for (kind, name), values in portal.options.items()", "for (kind, name), values in ()",
        test=f"{VALUES_MISSING}::TestAValueThatStandsAndCannotBeChosen::test_is_told_until_an_admin_brings_it_back",
        why="In the simulation nobody deletes an option that stands on a record.",
    ),
    Mutant(
        "misfit-external-options", "A value of a property whose options stand elsewhere counts as missing.",
        "sync/crm.py", "and not self.owner and not self.external)", "and not self.owner)",
        test=f"{VALUES_MISSING}::test_a_property_that_tells_no_options_takes_any_value",
        why="In the simulation every option is listed.",
    ),
    Mutant(
        "check-rehearses-nothing", "What answers lack is not noticed beforehand.",
        "sync/admin/check/rehearsal.py", "lacking.setdefault(gap, faulty)", "lacking.pop(gap, None)",
        test=f"{CHECKED}::TestTheRehearsal::test_what_answers_lack_is_an_error",
        why=_CHECK_WRITES_NOTHING,
    ),
    Mutant(
        "check-rules-unread", "An admin's rule that refuses every task is taken to be kept.",
        "sync/admin/check/rules.py", "if not keeps(rule, sample)), None)", "if keeps(rule, sample) and not rule), None)",
        test=f"{CHECKED}::TestRulesOfAnAdmin::test_that_refuses_every_task_is_an_error",
        why=_CHECK_WRITES_NOTHING,
    ),
    Mutant(
        "check-read-only-stage", "A stage that nobody can move a ticket into fits.",
        "sync/hubspot/portal.py", 'read_only=permissions in {"READ_ONLY", "INTERNAL_ONLY"},', "read_only=False,",
        test=f"{CHECKED}::test_a_kick_back_into_a_read_only_stage_is_told_of_beforehand",
        why=_CHECK_WRITES_NOTHING,
    ),
    Mutant(
        "sensitive-counts-as-missing", "A sensitive property that the app may read counts as missing.",
        PORTAL, "return {**crm.sensitive_properties(kind), **known}", "return known",
        test=f"{CHECKED}::TestSensitiveProperties::test_that_the_app_may_see_are_read",
        why="In the simulation no property is sensitive.",
    ),
    Mutant(
        "token-of-any-portal", "A rotated token is taken up though it is another portal's.",
        "sync/hubspot/client.py", "require(self.account_of(token))", "self.account_of(token)",
        test=f"{ROTATED}::test_another_portals_token_is_not_taken_up",
        why="Nobody rotates the token in the simulation.",
    ),
    Mutant(
        "token-unproved", "A rotated token is taken up before it has read anything.",
        "sync/hubspot/client.py",
        "        require(self.account_of(token))\n        self._calls.transport.use(token)\n",
        "        self._calls.transport.use(token)\n        require(self.account_of(token))\n",
        test=f"{ROTATED}::test_another_bad_one_changes_nothing",
        why="Nobody rotates the token in the simulation.",
    ),
    Mutant(
        "people-left-all-the-same", "Who was deactivated between the decision and the email gets it.",
        TRIES, "if portal.employs(owner):", "if owner in portal.owners:",
        test=f"{PEOPLE_CHANGE}::TestSomebodyWhoLeft::test_since_an_email_was_planned_gets_it_no_more",
        why="A mail server must be down while somebody leaves.",
    ),
    Mutant(
        "5-sas-is-the-manager", "The email to the SAS about a ready set goes to the Account Manager.",
        SET_READY, "sas, specialist, variables, None, no_specialist", "sas, manager, variables, None, no_manager",
    ),
    Mutant(
        "4-not-on-the-portfolio", "A ticket's tasks are not associated to its portfolio.",
        PAYLOADS, "return (*tickets, *parent)", "return tuple(tickets) or parent",
    ),
    Mutant(
        "fallback-first", "The mapping's stand-in does the work though the portfolio names somebody.",
        STAFF, "for value in named:", "for value in [*([fallback] if fallback else []), *named]:",
        test=f"{UNIT}/test_people.py::test_the_stand_in_comes_last",
        why="The simulation's mapping names no stand-in.",
    ),
    # off by one
    Mutant(
        "cycle-a-moment-late", "What happens in the very moment of an ending is of the cycle that ends.",
        CYCLE, "if closing.at <= moment]", "if closing.at < moment]", test=MOMENT,
        why="No two things happen in the same moment in the simulation.",
    ),
    Mutant(
        "ticket-a-moment-late", "A ticket that comes in the very moment of an ending is of no cycle.",
        CONTEXT, "ticket.came_in >= started)", "ticket.came_in > started)", test=MOMENT,
        why="No two things happen in the same moment in the simulation.",
    ),
    Mutant(
        "decline-a-moment-late", "What happens in the very moment of a decline is bypassed by it.",
        CONTEXT, "if closing.at > moment), None)", "if closing.at >= moment), None)", test=MOMENT,
        why="No two things happen in the same moment in the simulation.",
    ),
    Mutant(
        "go-live-a-moment-late", "What happens in the very moment of going live is older than that.",
        CONTEXT, "return version.at >= self.times.go_live and", "return version.at > self.times.go_live and", test=MOMENT,
        why="Nobody does anything in the moment in which a simulation begins.",
    ),
    Mutant(
        "barrier-a-moment-late", "A set still waits in the moment in which its time is up.",
        "sync/rules/context.py", "clock_ahead >= moment", "clock_ahead > moment",
        test=f"{UNIT}/test_5_set_ready.py::test_the_barrier_is_passed_in_the_moment_in_which_its_time_is_up",
    ),
    Mutant(
        "5-key-as-they-come", "The key of an announcement depends on the order in which its tickets are read.",
        SET_READY, "tuple(sorted(ad_set.entries, key=str))", "tuple(ad_set.entries)",
        test=f"{UNIT}/test_5_set_ready.py::test_the_key_does_not_depend_on_the_order_of_the_tickets",
        why="Tickets are read in the order of their ids, which is the key's too while all ids are as long.",
    ),
    # what is left lying
    Mutant(
        "blocked-left-alone", "What is left blocked of a handoff that is through is not looked at again by itself.",
        DECIDE, "if blocked or any(_has_blocked(recorded) for recorded in context.ledger.recorded.values()):", "if blocked:",
        test=f"{UNIT}/test_decide.py::test_what_is_left_blocked_of_a_handoff_that_is_through_is_looked_at_again",
    ),
    Mutant(
        "7-deleted-stands", "An approval set again makes no task where a person has deleted the one before.",
        APPROVED, "if any(task.was_open_at(version.at) for task in made):", "if any(not task.completed for task in made):",
        test=decision("7 the task was deleted: a new version is a new task"),
    ),
    Mutant(
        "verify-doubled-write", "Of two changes for one cause verify says nothing.",
        OWN_CHANGES, "            used.add(fresh[0].key)\n", "            pass\n",
        test=f"{VERIFY}::TestDoubled::test_a_ticket_kicked_back_twice_by_the_app", why="It is verify that is at fault.",
    ),
    Mutant(
        "verify-parked-is-on-its-way", "Of a parked record verify says that its work is on its way.",
        DUE, "    if _is_left_lying(evidence):\n        return None\n", "",
        test=f"{VERIFY}::TestLeftLying::test_what_is_due_on_a_parked_record_is_missing", why="It is verify that is at fault.",
    ),
    Mutant(
        "verify-word-to-come", "verify says that a status was not cleared, whose word the mapping did not name then.",
        FOLLOWED, "return then is None or meant", "return then is not None or meant",
        test="tests/story/test_words_in_between.py"
        "::test_a_cycle_that_was_closed_in_a_word_to_come_is_followed_by_a_kickoff",
    ),
    Mutant(
        "verify-left-open", "Of a task that its cycle's end has left open verify says nothing.",
        FOLLOWED, "yield from _left_open(evidence, recorded, from_ms(key.ms))", "pass",
        test=f"{VERIFY}::TestFollowed::test_a_task_left_open_by_a_decline", why="It is verify that is at fault.",
    ),
)  # fmt: skip
