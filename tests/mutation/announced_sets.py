"""Faults in the rules of handoff 5, and in how names are compared, by which tickets make an Ad Set."""

from tests.mutation.decisions import TABLES, UNIT, decision
from tests.mutation.mutant import Mutant

AD_SETS = "sync/rules/handoffs/ad_sets.py"
ADVANCING = "sync/rules/handoffs/advancing.py"
ANNOUNCEMENTS = "sync/rules/handoffs/announcements.py"
NAMES = "mappings/names.py"
REVISIONS = "sync/rules/handoffs/revisions.py"
SET_READY = "sync/rules/handoffs/set_ready.py"
SLIPS = "mappings/slips.py"
CONTEXT = "sync/rules/context.py"
DECIDE = "sync/rules/decide.py"
MODEL = "sync/rules/model.py"
RECORDS = "sync/passes/snapshot/records.py"
MOVING = "tests/story/handoffs/test_5_moved_on.py"

MUTANTS = (
    # 5
    Mutant(
        "5-left-open-behind", "A task that a repeat has left open stays, as long as its set is not ready.",
        SET_READY, "if ad_set.behind else []", "if not ad_set.members else []",
        test=decision("5 a task that the repeat had not closed yet, and the set is not ready any more"),
    ),
    Mutant(
        "5-one-behind", "A set is announced with one ticket still behind.",
        SET_READY, "    if behind:\n", "    if len(behind) > 1:\n",
    ),
    Mutant(
        "5-no-barrier", "A set is announced although its newest ticket is young and more may come.",
        SET_READY, "if not sure and not context.has_come(complete_at):",
        "if not sure and not context.has_come(context.times.go_live):",
        test=decision("5 barrier: an early status and a young ticket: wait"),
    ),
    Mutant(
        "5-barrier-of-oldest", "The oldest ticket of a set decides whether more may come, not the newest.",
        SET_READY, "complete_at = max(ticket.created_at", "complete_at = min(ticket.created_at",
        test=decision("5 barrier: the newest ticket decides"),
    ),
    Mutant(
        "5-barrier-although-submitted",
        "A set waits for more tickets although Deliverables Submitted says that all are there.",
        SET_READY, "sure = portfolio.status in {Status.DELIVERABLES_SUBMITTED, Status.CREATIVES_PENDING_APPROVAL}",
        "sure = portfolio.status is Status.CREATIVES_PENDING_APPROVAL",
        test=decision("5 barrier: Deliverables Submitted says that all tickets are there"),
    ),
    Mutant(
        "5-entry-without-version", "A revision round does not announce again: an entry is a ticket alone.",
        SET_READY, "Entry(ticket.id, to_ms(ticket.stage_since)): ticket", "Entry(ticket.id, 0): ticket",
    ),
    Mutant(
        "5-clocks-decide", "Only an entry newer than the last announcement is new.",
        SET_READY, "if entry not in announced and ticket",
        "if ticket.stage_since > max((f.recorded.decided_at for f in before), default=context.times.go_live) and ticket",
        test=decision("5 the second set, its entry older than the first one's announcement: entries decide, not clocks"),
    ),
    Mutant(
        "5-all-is-fresh", "What was announced already is announced again when a ticket leaves the set.",
        SET_READY, "if entry not in announced and ticket", "if entry and ticket",
    ),
    Mutant(
        "5-client-has-seen-it", "A set is announced although the client has approved.",
        SET_READY, "if status in {Status.CREATIVES_APPROVED, Status.CREATIVES_IMPLEMENTED}:",
        "if status is Status.CREATIVES_IMPLEMENTED:",
    ),
    Mutant(
        "5-status-stays", "A ready set does not advance Deliverables Submitted.",
        SET_READY, "SUBMITTED = EARLY | {Status.DELIVERABLES_SUBMITTED}", "SUBMITTED = EARLY",
    ),
    Mutant(
        "5-earlier-cycle-counts", "Open tickets of an earlier cycle hold up this one's set.",
        CONTEXT, "if ticket.is_open and self.in_cycle(ticket))", "if ticket.is_open)",
    ),
    Mutant(
        "5-closed-tickets-count", "Closed tickets hold up a set.",
        CONTEXT, "if ticket.is_open and self.in_cycle(ticket))", "if self.in_cycle(ticket))",
        test=decision("5 the last one behind is closed: the set is ready"),
    ),
    Mutant(
        "5-folder-by-letter", "Folder names that differ in case are two sets.",
        MODEL, "return as_seen(self.folder)", 'return " ".join(self.folder.split())',
        test=decision("5 folder names are compared trimmed, runs of spaces as one, case ignored"),
    ),
    Mutant(
        "5-no-folder-is-a-set", "Tickets without a folder name are taken for one set.",
        AD_SETS, "        if ticket.folder_key:\n            sets", "        if True:\n            sets",
    ),
    Mutant(
        "5-link-of-another-cycle", "A link that was last changed in an earlier cycle is given as if it were this one's.",
        CONTEXT, "return self.cycle_started or self._first_refresh(", "return self._first_refresh(",
        test=f"{UNIT}/test_5_set_ready.py::test_5_a_link_of_the_cycle_before_is_old",
        why="The oracle knows a task by its subject, its owner and its records; it does not read the body.",
    ),
    Mutant(
        "5-kickoff-on-the-day-of-adopt", "A kickoff that was adopted is taken to be of the day on which it was recorded.",
        CONTEXT, "if first is None or first.adopted:", "if first is None:",
        test=f"{UNIT}/test_3_date_arrived.py::test_3_an_adopted_kickoff_cuts_no_note_off_that_the_window_holds",
    ),
    Mutant(
        "5-adopted-kickoff-tells-nothing", "The day of a kickoff's adopted task, before the window opened, is forgotten.",
        CONTEXT, "        days = [] if first is None else [", "        days = [] if first is None or first.adopted else [",
        test=f"{UNIT}/test_3_date_arrived.py::test_3_an_adopted_kickoff_before_the_window_counts",
    ),
    Mutant(
        "5-link-when-read-first", "The link is said to be as old as the first version that the history shows.",
        RECORDS, "lambda value: value == link, None)", "lambda value: True, None)",
        test="tests/story/handoffs/test_5_set_ready.py::test_5_the_link_is_given_with_the_day_of_its_last_change",
        why="The oracle knows a task by its subject, its owner and its records; it does not read the body.",
    ),
    Mutant(
        "5-repeat-not-numbered", "A repeat does not say that it is one.",
        SET_READY, "announcement=len(before) + 1 if before else None", "announcement=None",
    ),
    Mutant(
        "5-counts-every-set", "Announcements of other sets are counted too.",
        ANNOUNCEMENTS, "return [one for one in earlier if one.was_made and is_same(one)]",
        "return [one for one in earlier if one.was_made]",
    ),
    Mutant(
        "5-repeat-by-name-alone", "A set that was renamed as a whole counts as another one.",
        ANNOUNCEMENTS, " or (bool(left) and left <= set(tickets))", "",
        test=decision("5 all of whose tickets are in this set: the same set by another name"),
    ),
    Mutant(
        "5-repeat-by-tickets-alone", "A set that a ticket has left counts as another one.",
        ANNOUNCEMENTS, '(name != "" and one.name == name) or ', "",
        test=decision("5 the same name, whatever became of its tickets"),
    ),
    Mutant(
        "5-repeat-of-what-is-gone", "A ticket that was closed since hides that it is the same set.",
        ANNOUNCEMENTS, "left = one.tickets & current", "left = one.tickets",
        test=decision("5 tickets that are open no more count for none"),
    ),
    Mutant(
        "5-all-is-new", "A repeat calls every ticket new.",
        SET_READY, "self.entries.items() if entry not in known]", "self.entries.items() if entry]",
        test=f"{UNIT}/test_5_set_ready.py::test_5_a_repeat_says_which_it_is_and_what_is_new",
    ),
    Mutant(
        "5-older-task-stays", "The older task to share the same set stays open.",
        SET_READY, "        *ad_set.closings(before, key, number, ad_set.ready_since),\n", "",
        test=decision("5 a repeat says that it is one"),
    ),
    Mutant(
        "5-closes-what-was-opened-again", "A task to share that a person has opened again is closed.",
        ANNOUNCEMENTS, "context.tasks_open_since(ids, since)]", "context.tasks(ids) if task.is_open]",
        test=decision("5 opened again after it was ready: somebody's wish"),
    ),
    Mutant(
        "5-adopted-task-closed", "An adopted task to share is closed.",
        ANNOUNCEMENTS, "(task := effect.own_task) is not None",
        "(task := effect.crm_id if effect.kind is EffectKind.TASK else None) is not None",
        test=decision("5 an adopted task is people's own"),
        why="Nobody adopts in a simulation.",
    ),
    Mutant(
        "5-older-ones-wait-on", "Who is named at last gets a task for each time that the set was announced.",
        DECIDE, "repeated = replaced(context) if", "repeated: frozenset[str] = frozenset() if context is context or",
        test=decision("5 no AM since the first: named once the second stands, they get the second alone"),
    ),
    Mutant(
        "5-older-ones-come-first", "What an older announcement has to do is done though a newer one is about to take its place.",
        DECIDE, "pointless | _about_to_be_replaced(verdicts, context)", "pointless",
        test=decision("5 no AM since the first: both wait, and the new task's turn comes first"),
    ),
    Mutant(
        "5-lost-and-left-open", "A task to share that a lost ledger had not closed stays open.",
        ANNOUNCEMENTS, "recovered = RECOVERED in last.detail and", "recovered = False and",
        test=decision("5 a lost database: a task that it had not closed yet"),
    ),
    Mutant(
        "5-no-folder-not-said", "An announcement does not name the tickets that have no folder.",
        SET_READY, "no_folder=[ticket_variables(ticket) for ticket in self._homeless]\n", "no_folder=[]\n",
        test=f"{UNIT}/test_5_set_ready.py::test_5_what_is_left_out_is_said",
    ),
    Mutant(
        "5-unread-set-not-said", "An announcement does not name the sets of which every ticket came incomplete.",
        SET_READY, "names = {**named, **{", "names = {**{",
        test=f"{UNIT}/test_5_set_ready.py::test_5_what_came_incomplete_is_left_out_and_said_too",
    ),
    Mutant(
        "5-unread-not-said", "An announcement does not name a ticket without a folder that came incomplete.",
        SET_READY, 'if ticket.may_be_in("")', "if ticket.may_be_in('') and ticket.folder_key",
        test=f"{UNIT}/test_5_set_ready.py::test_5_what_came_incomplete_is_left_out_and_said_too",
    ),
    Mutant(
        "5-unready-not-said", "An announcement does not name the sets that are not ready.",
        SET_READY, "(alike or ready < of)", "alike",
        test=f"{UNIT}/test_5_set_ready.py::test_5_what_is_left_out_is_said",
    ),
    Mutant(
        "5-look-alike-not-said", "An announcement does not point out a ready set that is called almost the same.",
        SET_READY, "(alike or ready < of)", "ready < of",
        test=f"{UNIT}/test_5_set_ready.py::test_5_what_is_left_out_is_said",
    ),
    Mutant(
        "5-look-alikes-anywhere", "Sets outside of the mapping's condition are worth a look.",
        AD_SETS, "ad_sets(context) if context.portfolio.inside else {}", "ad_sets(context)",
        test=f"{UNIT}/test_5_set_ready.py::test_two_sets_called_almost_the_same_are_worth_a_look",
        why="The oracle does not read `status`.",
    ),
    # names
    Mutant(
        "name-slip-of-three", "Three letters are a typing slip.",
        SLIPS, "MISTYPED = 2", "MISTYPED = 3",
        test="tests/unit/mapping/test_slips.py::test_two_names",
    ),
    Mutant(
        "name-slip-in-short-words", "A letter of a word of four is a typing slip.",
        SLIPS, "LONG = 5", "LONG = 4",
        test="tests/unit/mapping/test_slips.py::test_two_names",
    ),
    Mutant(
        "name-slip-not-of-punctuation", "Names that differ in punctuation alone are two names.",
        SLIPS, "return _joined(words) == _joined(others) or _is_mistyped(words, others)",
        "return _is_mistyped(words, others)",
        test="tests/unit/mapping/test_slips.py::test_a_typing_slip",
    ),
    Mutant(
        "name-slip-of-numbers", "Numbers are compared like words.",
        SLIPS, "return word[0].isalpha() and len(word) >= LONG", "return len(word) >= LONG or word.isdigit()",
        test="tests/unit/mapping/test_slips.py::test_two_names",
    ),
    Mutant(
        "name-as-composed", "Names that differ in how an accent is composed, or in width, are two.",
        NAMES, 'unicodedata.normalize("NFKC", visible).casefold()', "visible.casefold()",
        test="tests/unit/mapping/test_names.py::test_a_person_sees_the_same[full width]",
    ),
    Mutant(
        "name-not-composed-first", "What is dropped and folded depends on how a text is composed.",
        NAMES, 'unicodedata.normalize("NFC", text)', "text",
        test="tests/unit/mapping/test_names.py::test_it_does_not_matter_how_a_text_is_composed",
    ),
    Mutant(
        "name-by-letter", "Names that differ in case are two.",
        NAMES, 'normalize("NFKC", visible).casefold()', 'normalize("NFKC", visible)',
        test="tests/unit/mapping/test_names.py::test_a_person_sees_the_same[case]",
    ),
    Mutant(
        "name-dashes-differ", "Names that differ in the kind of dash are two.",
        NAMES, '"-" if _is_dash(c) else c', "c",
        test="tests/unit/mapping/test_names.py::test_every_dash_is_one_and_every_apostrophe",
    ),
    Mutant(
        "name-apostrophes-differ", "Names that differ in the kind of apostrophe are two.",
        NAMES, '_INVISIBLE.sub("", composed).translate(_APOSTROPHES)', '_INVISIBLE.sub("", composed)',
        test="tests/unit/mapping/test_names.py::test_every_dash_is_one_and_every_apostrophe",
    ),
    Mutant(
        "name-invisible-kept", "What cannot be seen makes a name another one.",
        NAMES, '_INVISIBLE.sub("", composed)', "composed",
        test="tests/unit/mapping/test_names.py::test_what_cannot_be_seen_does_not_matter_wherever_it_stands",
    ),
    Mutant(
        "name-spaces-differ", "Names that differ in their white space are two.",
        NAMES, 'for c in folded).split())', 'for c in folded).strip().split(" "))',
        test="tests/unit/mapping/test_names.py::test_a_person_sees_the_same[a thin one, a tab, a line break]",
    ),
    Mutant(
        "name-folded-once", "What one step of the comparison brings together is left as it came.",
        NAMES, "    while seen != text:  # what one step removes or folds can bring together what another one composes\n"
        "        text, seen = seen, _once(seen)\n", "",
        test="tests/unit/mapping/test_names.py::test_what_is_compared_is_seen_as_itself",
    ),
    Mutant(
        "name-written-as-mapped", "A status is written as the mapping spells it, not as the portal does.",
        "sync/rules/handoffs/verdicts.py", "new = context.spelled(Kind.PORTFOLIO, name, raw)", "new = raw",
        test="tests/story/test_names.py::test_a_cycle_goes_through_and_what_is_written_is_the_portals_own_spelling",
    ),
    Mutant(
        "name-reset-as-mapped", "A reset is written as the mapping spells it, not as the portal does.",
        REVISIONS, "name: context.spelled(Kind.TICKET, name, reset)", "name: reset",
        test="tests/story/test_names.py::test_a_cycle_goes_through_and_what_is_written_is_the_portals_own_spelling",
    ),
    Mutant(
        "name-reset-again", "An approval that looks reset is written again.",
        REVISIONS, 'not same_to_the_eye(ticket.raw.get(name, ""), reset)', 'ticket.raw.get(name, "") != reset',
        test=f"{UNIT}/test_6_revisions.py::test_6_an_approval_that_looks_reset_is_not_written_again",
    ),
    Mutant(
        "name-first-not-exact", "Of values that look the same the first is meant, not the one that is spelled so.",
        NAMES, "    if name in candidates:\n        return name\n    return next(iter(look_alikes(name, candidates)), None)",
        "    return next((one for one in candidates if as_seen(one) == as_seen(name)), None)",
        test="tests/unit/mapping/test_values.py"
        "::test_of_values_that_look_the_same_the_one_spelled_so_is_meant_else_the_first",
    ),
    Mutant(
        "name-condition-by-letter", "A condition's value is compared letter by letter.",
        "mappings/schema.py", "return meant(raw, self.values) is not None", "return raw in self.values",
        test="tests/story/test_names.py::test_a_condition_is_met_by_what_looks_the_same",
    ),
    Mutant(
        "5-moves-unasked", "Approved tickets are moved though the switch is off.",
        ADVANCING, "if not context.mapping.rules.advance_approved_tickets:", "if not context.mapping.rules:",
        test=decision("5 both approvals are Approved, and the ticket is still In Progress: that is said, and nothing done"),
    ),
    Mutant(
        "5-moves-on-one-approval", "One approval is enough for a ticket to be moved.",
        ADVANCING, "return all(\n        same_to_the_eye", "return any(\n        same_to_the_eye",
        test=decision("5 an approval was taken back"),
    ),
    Mutant(
        "5-moves-what-was-moved-back", "A ticket that a person has moved back is moved again.",
        ADVANCING, "ticket.left_pending_approval >= newer", "ticket.left_pending_approval < ticket.created_at",
        test=decision("5 the team had moved it, and a person moved it back: it stays"),
    ),
    Mutant(
        "5-moves-from-any-stage", "A ticket is moved from any stage.",
        ADVANCING, "ticket.stage is not Stage.IN_PROGRESS", "ticket.stage is Stage.PENDING_APPROVAL",
        test=decision("5 in another stage than In Progress: it is somebody's"),
    ),
    Mutant(
        "5-moves-before-the-revision", "A ticket is moved though a revision is still to be answered.",
        ADVANCING, "return None if asked_again or _is_unanswered(context, ticket) else newer",
        "return None if asked_again else newer",
        test=decision("5 a revision that is not answered yet comes first"),
    ),
    Mutant(
        "5-moves-on-an-old-approval", "An approval of before the revision counts for it.",
        ADVANCING, "return None if asked_again or _is_unanswered(context, ticket) else newer",
        "return None if _is_unanswered(context, ticket) else newer",
        test=decision("5 a revision that was adopted: the approval of before it says nothing of it"),
    ),
    Mutant(
        "5-moves-by-the-older-approval", "The older of the two approvals is the cause.",
        ADVANCING, "newer = max(given.values())", "newer = min(given.values())",
        test=decision("5 moved back and approved anew: a new version, moved once more"),
    ),
    Mutant(
        "5-moves-what-is-older", "Approvals of before going live count.",
        ADVANCING, "if newer is None or newer < context.times.go_live:", "if newer is None:",
        test=decision("5 approvals of before going live: they are left as they are"),
    ),
    Mutant(
        "5-moves-an-old-cycles", "Tickets of earlier cycles are moved.",
        ADVANCING, "for ticket in context.current_tickets:", "for ticket in context.snapshot.tickets:",
        test=f"{UNIT}/{TABLES['5']}::test_5_a_ticket_of_an_earlier_cycle_stays_beside_a_new_one",
    ),
    Mutant(
        "5-moves-over-a-person", "The approvals are not read again before a ticket is moved.",
        ADVANCING, "read_again = (names.stage, names.copy_approval, names.graphic_approval, names.needs_revisions)",
        "read_again = (names.stage,)",
        test=f"{MOVING}::test_5_an_approval_taken_back_meanwhile_moves_nothing",
    ),
    Mutant(
        "5-moves-merged", "Tickets that a merge has made look approved are moved.",
        ADVANCING, "or newer <= ticket.merged_at):", "or newer < ticket.created_at):",
        test=f"{UNIT}/{TABLES['5']}::test_5_approved_before_a_merge_is_not_moved",
    ),
    Mutant(
        "5-moved-in-the-plan-only-back", "A plan takes a ticket that is moved on for one that is sent back.",
        "sync/rules/written.py", "on = write.values[names.stage] == context.pending_approval", "on = False",
        test=f"{MOVING}::test_5_a_plan_sees_what_the_move_completes",
    ),
    Mutant(
        "5-only-to-be-moved-unsaid", "Whose turn it is does not say that tickets only have to be moved.",
        "sync/rules/waiting.py", "if len(approved) < len(behind):", "if behind:",
        test="tests/unit/test_waiting.py::test_what_only_has_to_be_moved",
    ),
)  # fmt: skip
