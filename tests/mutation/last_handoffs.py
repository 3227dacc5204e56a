"""Faults in the rules of handoffs 6 to 9: revisions, the approval, the closing and its confirmation."""

from tests.mutation.decisions import UNIT, decision
from tests.mutation.mutant import Mutant

AD_SETS = "sync/rules/handoffs/ad_sets.py"
APPROVED = "sync/rules/handoffs/approved.py"
CLOSED = "sync/rules/handoffs/closed.py"
CONFIRMATION = "sync/rules/handoffs/confirmation.py"
ENDINGS = "sync/rules/handoffs/endings.py"
REVISIONS = "sync/rules/handoffs/revisions.py"
ROUNDS = "sync/rules/handoffs/rounds.py"
REVISION_NOTES = "sync/rules/handoffs/revision_notes.py"
TICKETS = "sync/rules/handoffs/tickets.py"
CONTEXT = "sync/rules/context.py"
ACTIVITIES = "sync/passes/snapshot/activities.py"

MUTANTS = (
    # 6
    Mutant(
        "leftover-by-its-state-alone", "A leftover that was opened again after the cycle's end is closed, if many are read.",
        ACTIVITIES, "reopened_at=record.updated_at, is_whole=False", "reopened_at=None, is_whole=False",
        test="tests/story/handoffs/test_8_closed.py::test_8_leftovers_are_told_from_what_was_opened_again_since",
    ),
    Mutant(
        "leftover-changed-counts-as-opened", "A leftover that was changed after the cycle's end stays open.",
        "sync/rules/context.py", "if task.is_open and not (task.is_whole or task.is_open_since(moment))", "if not task.id",
        test="tests/story/handoffs/test_8_closed.py::test_8_leftovers_are_told_from_what_was_opened_again_since",
    ),
    Mutant(
        "task-without-its-past", "A rule that asks when a task was completed is given one of which that was not read.",
        "sync/rules/context.py", "is not None and task.is_whole]", "is not None]",
        test="tests/unit/test_reading_tasks.py::test_who_asks_for_the_past_of_a_task_gets_it",
    ),
    Mutant(
        "6-newest-value-only", "A value that was overwritten before it was seen is forgotten.",
        REVISIONS, "for version in reversed(ticket.revision_history):", "for version in ticket.revision_history[:1]:",
        test=decision("6 a version that was overwritten before it was seen still counts"),
    ),
    Mutant(
        "6-second-open-task", "A role with an open revision task on the ticket gets a second one.",
        REVISIONS, "if not over and (fresh or not _stands(context, ticket, kind, mine, version, lost=lost)):", "if not over:",
    ),
    Mutant(
        "6-twice-in-a-pass", "Two values seen at once give a role two tasks.",
        REVISIONS, "        if kind in asked:\n            continue", "        if not kind:\n            continue",
    ),
    Mutant(
        "6-stage-stays", "A revision does not kick the ticket back to In Progress.",
        REVISIONS,
        "changed = {names.stage: context.in_progress, **changed}",
        "pass",
    ),
    Mutant(
        "6-other-approval-reset", "A revision of the graphics resets the approval of the copy.",
        REVISIONS,
        "TaskKind.REVISE_GRAPHICS: names.graphic_approval}",
        "TaskKind.REVISE_GRAPHICS: names.copy_approval}",
    ),
    Mutant(
        "6-every-approval-reset", "Any revision resets the approval of the copy.",
        REVISIONS,
        "        if kind in kinds and not same_to_the_eye",
        "        if not same_to_the_eye",
    ),
    Mutant(
        "6-closed-ticket", "A revision on a closed ticket is ignored.",
        REVISIONS, "    if ticket.came_in is None:\n        return []",
        "    if not ticket.is_open:\n        return []",
        test=decision("6 a closed ticket is reopened"),
    ),
    Mutant(
        "6-after-a-decline", "What was asked for before a decline, unseen, is done after it.",
        REVISIONS, "if decline is not None:\n        reason = f\"{name_of(ticket)}: asked",
        "if decline is not None and decline.at < version.at:\n        reason = f\"{name_of(ticket)}: asked",
        test=decision("2a a revision asked for and the refresh declined before anybody looked: no Creative work"),
        why="The oracle takes it as open: “a person asked for it” (6), and “everything later is bypassed” (2a).",
    ),
    Mutant(
        "6-cleared-at-once", "Needs Revisions is emptied while the ticket is still being revised.",
        REVISIONS, "if ticket.revision is None or ticket.stage is not Stage.PENDING_APPROVAL or not",
        "if ticket.revision is None or not",
    ),
    Mutant(
        "6-never-cleared", "Needs Revisions stays when the ticket is back.",
        REVISIONS, "if ticket.revision is None or ticket.stage is not Stage.PENDING_APPROVAL or not",
        "if ticket.revision is not None or not",
    ),
    Mutant(
        "6-approved-is-no-delivery", "A role that has only set its approval to Approved has not delivered.",
        ROUNDS,
        "for at in (*ticket.approved.get(role, ()), *ticket.came_to_review) if since < at < until]",
        "for at in ticket.came_to_review if since < at < until]",
        test=decision("6 approved without a move: a second round"),
    ),
    Mutant(
        "6-moved-is-no-delivery", "A ticket that came back into Pending Approval has not been delivered.",
        ROUNDS,
        "for at in (*ticket.approved.get(role, ()), *ticket.came_to_review) if since < at < until]",
        "for at in ticket.approved.get(role, ()) if since < at < until]",
        test=decision("6 moved without an approval: a second round"),
    ),
    Mutant(
        "6-ticked-is-no-delivery", "A role that has ticked its task has not delivered.",
        ROUNDS, "return min((moment for moment in completed if moment is not None and moment < until), default=None)",
        "return None",
        test=decision("6 the task ticked, and nothing else: a second round"),
    ),
    Mutant(
        "6-delivered-too-late", "What is delivered after a version came makes it a round of its own.",
        ROUNDS,
        "for at in (*ticket.approved.get(role, ()), *ticket.came_to_review) if since < at < until]",
        "for at in (*ticket.approved.get(role, ()), *ticket.came_to_review) if since < at]",
        test=decision("6 approved after it was set again: one round"),
    ),
    Mutant(
        "6-other-role-delivers", "The designer's approval delivers the copywriter's round.",
        ROUNDS,
        "for at in (*ticket.approved.get(role, ()), *ticket.came_to_review) if since < at < until]",
        "for given in (*ticket.approved.values(), ticket.came_to_review) for at in given if since < at < until]",
        test=decision("6 the other role's approval delivers nothing"),
    ),
    Mutant(
        "4-forgotten-decline", "After a lost database a ticket gets its tasks though nobody knows how its cycle ended.",
        TICKETS, "if context.is_forgotten(ticket.came_in):", "if False:",
        test=decision("2a a lost database, and the decline is no longer among the versions of a full history: no Creative work"),
    ),
    Mutant(
        "4-forgotten-though-not-full", "A history that is not full is taken to have lost versions.",
        CONTEXT, "len(self.portfolio.status_history) < VERSIONS_KEPT:", "not self.portfolio.status_history:",
        test=decision("2a the same with a history that is not full: whatever there was, it shows"),
    ),
    Mutant(
        "4-forgotten-by-no-loss", "What a full history does not show is taken for unknown though the ledger was there.",
        CONTEXT, "status_history[-1].at and self.times.is_older_than_ledger(moment)", "status_history[-1].at",
        test=decision("2a the same with the ledger that was there"),
    ),
    Mutant(
        "6-forgotten-decline", "After a lost database a revision is asked for though nobody knows how its cycle ended.",
        REVISIONS, "if context.is_forgotten(version.at):", "if False:",
        test=decision(
            "2a a revision asked for before the oldest version of a full history, and the database was lost: no Creative work"
        ),
    ),
    Mutant(
        "6-decline-ends-no-round", "What is asked for after a decline belongs to the round before it.",
        ROUNDS, "if any(from_ms(last.opened) < at < from_ms(ms) for at in declines):\n        return True", "pass",
        test=decision("6 after a decline, nothing delivered and the task deleted: a new round, and the approval is reset"),
    ),
    Mutant(
        "6-unread-task-holds-all", "A revision's task that came incomplete holds up every ticket's revisions.",
        REVISIONS, "except UnreadError as why:  # of one ticket; the others go on\n", "except ZeroDivisionError as why:\n",
        test=decision("incomplete a revision's task: the other tickets' revisions go on"),
    ),
    Mutant(
        "6-unread-task-keeps-all", "What was begun on other tickets is kept for a task that came incomplete on one.",
        "sync/rules/transition.py", "of_all = (v.handoff for v in undecided if v.record.kind is not Kind.TICKET)",
        "of_all = (v.handoff for v in undecided)",
        test=f"{UNIT}/test_incomplete.py::test_what_was_begun_on_another_ticket_is_given_up_where_nothing_asks_for_it",
    ),
    Mutant(
        "6-every-round-a-task", "Two rounds that nobody had looked at make two tasks.",
        REVISIONS, "if mine is None or mine is not all_rounds[-1]:", "if mine is None:",
        test=decision("6 two rounds that nobody had looked at: the first is over, and gets no task any more"),
    ),
    Mutant(
        "6-round-before-stays-open", "The task of the round before is left open.",
        REVISIONS, "effects += _closings(", "_closings(",
        test=decision("6 approved and moved, no task ticked: a second round, and the task of the first is closed"),
    ),
    Mutant(
        "6-delivered-before-the-merge", "What one of two merged tickets had delivered is taken for a round that goes on.",
        ROUNDS, "is not None and emptied < until:", "is not None and emptied > until:",
        test="tests/story/handoffs/test_merged.py::test_6_a_round_that_the_other_had_delivered_is_over[webhooks-a new record]",
    ),
    Mutant(
        "6-closes-what-was-reopened", "A task of the round before that a person has opened again since is closed.",
        REVISIONS, "context.tasks_open_since(made, version.at)]", "context.tasks(made) if task.is_open]",
        test=decision("6 the task of the round before was opened again since: it stays"),
    ),
    Mutant(
        "6-closes-first", "The task of the round before is closed though the new one cannot be made.",
        REVISIONS, "return [CloseTask(task.id, reason, after) for task", "return [CloseTask(task.id, reason) for task",
        test=f"{UNIT}/test_6_revisions.py::test_6_the_new_task_comes_before_the_old_one_is_closed",
    ),
    Mutant(
        "6-waits-for-two-rounds", "What the round before still waited for is made beside the new task.",
        REVISIONS, "overtakes=[effect.key for one in new for", "overtakes=[] and [effect.key for one in new for",
        test=f"{UNIT}/test_6_revisions.py::test_6_the_task_of_a_round_that_is_over_is_never_made",
    ),
    Mutant(
        "6-deleted-task-resets", "The task of a round that was deleted is made again, and the approval reset again.",
        REVISIONS, "_kick_back(context, ticket, {one.kind for one in new if one.fresh})",
        "_kick_back(context, ticket, {one.kind for one in new})",
        test=decision("6 set again after the task was deleted: made again, for the same round, and nothing is reset"),
    ),
    Mutant(
        "6-lost-and-left-open", "After a loss the task of the round before, that was still to be closed, stays open.",
        REVISIONS, "        if left:\n", "        if left and not left:\n",
        test=f"{UNIT}/test_6_revisions.py::test_6_a_lost_database_and_a_task_that_was_still_to_be_closed",
    ),
    Mutant(
        "6-lost-and-delivered", "After a loss a role that has delivered meanwhile gets a task.",
        REVISIONS, "if not over and (fresh or", "if (fresh or",
        test=f"{UNIT}/test_6_revisions.py::test_6_a_lost_database_and_a_role_that_has_delivered_since",
    ),
    Mutant(
        "6-first-act-is-the-last", "The Notes since the last act of a delivery are quoted, not since its first.",
        ROUNDS, "return min(shown)", "return max(shown)",
        test=f"{UNIT}/test_6_revisions.py::test_6_quotes_the_notes_since_that_roles_last_delivery",
    ),
    Mutant(
        "6-number-starts-again", "The number of a round is forgotten with the versions that the CRM forgets.",
        ROUNDS, "opened = _opened(context, ticket, kind) if by_ledger else {}", "opened: dict[int, int] = {}",
        test=f"{UNIT}/test_6_revisions.py::test_6_the_number_of_a_round_is_kept_when_the_crm_forgets_the_versions",
    ),
    Mutant(
        "6-waits-for-no-note", "A task without any Note to quote is made at once.",
        REVISION_NOTES, "return not context.has_come(notes_until(version)) and not context", "return False and not context",
        test=f"{UNIT}/test_6_revisions.py::test_6_without_a_note_the_task_waits_three_minutes_by_the_crms_time",
    ),
    Mutant(
        "6-late-note-lost", "A Note that comes to a task made already is not added.",
        REVISION_NOTES, "    added, quoted = lines(context, ticket, version)\n",
        "    added, quoted = list[AddLine](), Quoted()\n",
        test=f"{UNIT}/test_6_revisions.py::test_6_a_note_that_comes_late_is_added_once",
    ),
    Mutant(
        "6-line-again", "What a line has added already is added once more.",
        REVISION_NOTES, "note.id not in known and ", "",
        test=f"{UNIT}/test_6_revisions.py::test_6_set_again_before_delivery_the_open_task_gets_the_notes_that_came_since",
    ),
    # 7
    Mutant(
        "7-overtaken-fires", "An approval that was moved on before anybody looked makes its task all the same.",
        APPROVED, "            verdicts.append(recorded_superseded(context, key, reason, version.at))",
        "            verdicts.append(_approval(context, version))",
        test=decision("7 moved back before the service looked: overtaken"),
    ),
    Mutant(
        "7-once-a-cycle", "A second approval in a cycle, the first one's task done, makes none.",
        APPROVED, "return ApprovedKey(context.portfolio.id, version.ms)",
        "from sync.clock import to_ms\n"
        "    return ApprovedKey(context.portfolio.id, to_ms(context.cycle_started or context.times.go_live))",
        test=decision("7 overtaken, then approved again: its own task"),
    ),
    Mutant(
        "7-second-open-task", "An approval that is set again makes a second task beside the one still open.",
        APPROVED, "if any(task.was_open_at(version.at) for task in made):", "if any(not task.exists for task in made):",
        test=decision("7 set again while the task is open: no second task, no second email"),
    ),
    Mutant(
        "7-unfinished-to-implement", "The SAS is told to publish tickets that are not in Pending Approval.",
        AD_SETS, 'parts["tickets" if ready else "unfinished"]', 'parts["tickets"]',
        test=f"{UNIT}/test_7_approved.py::test_7_lists_what_is_ready_apart_from_what_is_not",
        why="The oracle knows a task by its subject, its owner and its records; it does not read the body.",
    ),
    # 8
    Mutant(
        "8-oldest-task-decides", "The oldest implementation task closes the cycle, not the newest.",
        CONTEXT, "for effect in self.tasks_made(handoff, cycle)\n            if effect.crm_id is not None\n",
        "for effect in self.tasks_made(handoff, cycle)[::-1]\n            if effect.crm_id is not None\n",
        test=decision("8 the newest task was deleted: an older completed one does not stand in for it"),
    ),
    Mutant(
        "8-deleted-is-completed", "An implementation task that a person deleted closes the cycle.",
        ACTIVITIES, "return OwnTask(task, exists=False, completed=False)",
        "return OwnTask(task, exists=True, completed=True)",
        test="tests/story/handoffs/test_8_closed.py::test_8_a_task_that_was_deleted_closes_nothing",
    ),
    Mutant(
        "8-any-status", "The completed task closes the cycle although the client has not approved (any more).",
        CLOSED, "    if status is Status.CREATIVES_APPROVED:\n        return [_by_task(context)]",
        "    if status in {Status.CREATIVES_APPROVED, Status.CREATIVES_PENDING_APPROVAL}:\n        return "
        "[_by_task(context)]",
        test=decision("8 completed while the status is another: not yet"),
    ),
    Mutant(
        "8-older-approval", "A task that was completed for an earlier approval closes the cycle for the new one.",
        CLOSED, " or _approved_after(context, task):\n        return False", ":\n        return False",
        test=decision("8 the newest task was deleted: an older completed one does not stand in for it"),
    ),
    Mutant(
        "8-task-on-its-way", "A task of an earlier approval closes the cycle while the newest one's cannot be sent.",
        CLOSED, "    if is_on_its_way(context, refused=True) or _approved_after(context, task):\n",
        "    if _approved_after(context, task):\n",
        test="tests/story/test_interruptions.py::"
        "test_an_older_task_does_not_close_the_cycle_while_the_newest_approval_has_none",
    ),
    Mutant(
        "8-status-not-cleared", "The reset moves the date and leaves the status.",
        CLOSED, "    if portfolio.status is Status.CREATIVES_IMPLEMENTED:\n        values[",
        "    if False:\n        values[",
    ),
    Mutant(
        "8-task-stays", "Closed by hand, the implementation task stays open, where leftovers stay.",
        CLOSED, "own = tasks_to_end(context, ending) if leftovers else implementing",
        "own = tasks_to_end(context, ending) if leftovers else []",
        test=decision("8 the switch is off: the implementation task alone"),
    ),
    Mutant(
        "8-leftovers-stay", "When a cycle is closed, the implementation task alone is completed.",
        CLOSED, "own = tasks_to_end(context, ending) if leftovers else implementing", "own = implementing",
    ),
    Mutant(
        "8-leftovers-whatever-the-switch", "The switch that leaves the cycle's other tasks open does nothing.",
        CLOSED, "own = tasks_to_end(context, ending) if leftovers else implementing",
        "own = tasks_to_end(context, ending)",
        test=decision("8 the switch is off: the implementation task alone"),
        why="In the simulation the switch is on.",
    ),
    Mutant(
        "ending-after-merge", "What a merge brings along stays open, though an ending from before it is carried out only then.",
        ENDINGS, "if (brought or recorded.cycle == cycle)", "if recorded.cycle == cycle",
        test="tests/story/handoffs/test_merged.py::"
        "test_an_ending_carried_out_only_after_the_merge_closes_the_tasks_of_both",
    ),
    Mutant(
        "ending-after-merge-later", "An ending from before a merge closes what the other one got only after it.",
        ENDINGS, "recorded.decided_at < ending.closing.at < recorded.joined_at", "ending.closing.at < recorded.joined_at",
        test=decision("merged but not what the other one got since the client declined"),
    ),
    Mutant(
        "8-leftovers-opened-again", "What a person has opened again since the end of the cycle is closed.",
        ENDINGS, "return context.tasks_open_since(wanted, ending.closing.at)",
        "return [task for task in context.tasks(wanted) if task.is_open]",
        test=decision("8 what a person has opened again since it was closed stays"),
    ),
    Mutant(
        "8-leftovers-lost", "After a lost database, tasks on tickets that came later are closed with an old cycle.",
        CLOSED, "own = tasks_of_cycle(context, cycle, on=(portfolio.ref,)) if leftovers else implementing",
        "own = tasks_to_end(context, ending) if leftovers else implementing",
        test=decision("8 a lost database: what is open on the portfolio itself is still closed, what is on its tickets stays"),
    ),
    Mutant(
        "8-status-not-expected", "The move of the date does not mind what the status is when it is written.",
        ENDINGS, "for name in (names.refresh_date, names.status)}", "for name in (names.refresh_date,)}",
        test=f"{UNIT}/test_decide.py::test_every_write_to_the_portfolio_expects_the_status_that_was_decided_on[8]",
    ),
    # 9
    Mutant(
        "9-before-the-reset", "The confirmation does not wait until the reset is written.",
        CONFIRMATION, "variables, written, blocked)", "variables, None, blocked)",
    ),
    Mutant(
        "9-unfinished-is-live", "The AM is told that a ticket is live that was kicked back after the approval.",
        CONFIRMATION, "return left > closed_at or ticket.stage is not Stage.IN_PROGRESS", "return True",
        test=f"{UNIT}/test_9_confirmation.py::test_9_names_what_is_live[kicked back since the approval]",
        why="The oracle reads this email for what was ready too late (9.8) alone.",
    ),
    Mutant(
        "9-late-is-live", "The AM is told that a ticket is live that was ready only after the client had approved.",
        CONFIRMATION, "return came is not None and came > approved_at", "return False",
        first=("105",),
        test=f"{UNIT}/test_9_confirmation.py::test_9_tells_apart_what_was_ready_only_after_the_approval[one was not]",
    ),
    Mutant(
        "9-late-by-an-old-approval", "What was never approved in this cycle is late by the approval of the one before.",
        CONFIRMATION, "approved_at is not None and context.cycle_of(approved_at) == cycle", "approved_at is not None",
        test=f"{UNIT}/test_9_confirmation.py::test_9_tells_apart_what_was_ready_only_after_the_approval"
        "[an approval of the cycle before says nothing]",
    ),
    Mutant(
        "9-link-of-the-next-cycle", "The age of the link is told by the cycle that begins with the closing.",
        CONFIRMATION, "context.refresh_at(from_ms(closing.ms - 1))", "context.refresh_began",
        test=f"{UNIT}/test_9_confirmation.py::test_9_says_that_the_link_is_older_than_the_cycle_that_ended",
    ),
    Mutant(
        "9-next-cycles-tickets", "The AM is told that tickets of the next cycle are live.",
        CONFIRMATION, "if ticket.came_in is not None and context.cycle_of(ticket.came_in) == cycle",
        "if ticket.came_in is not None and cycle",
        test=f"{UNIT}/test_9_confirmation.py::test_9_names_what_is_live[a ticket of the next cycle is not of this one]",
        why="The oracle reads this email for what was ready too late (9.8) alone.",
    ),
)  # fmt: skip
