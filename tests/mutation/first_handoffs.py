"""Faults in the rules of handoffs 1 to 4: from the kickoff to the tickets, and the Notes that they quote."""

from tests.mutation.decisions import UNIT, decision
from tests.mutation.mutant import Mutant

CONFIRMED = "sync/rules/handoffs/confirmed.py"
DATE_ARRIVED = "sync/rules/handoffs/date_arrived.py"
DECLINED = "sync/rules/handoffs/declined.py"
ENDINGS = "sync/rules/handoffs/endings.py"
KICKOFF = "sync/rules/handoffs/kickoff.py"
NOTES = "sync/rules/notes.py"
PORTAL = "sync/passes/portal.py"
TICKETS = "sync/rules/handoffs/tickets.py"
CONTEXT = "sync/rules/context.py"
IN_FORCE = "sync/rules/in_force.py"
ACTIVITIES = "sync/passes/snapshot/activities.py"
NEW_TASKS = "sync/passes/effects/tasks.py"
SCHEMA = "mappings/schema.py"

MUTANTS = (
    # 1
    Mutant(
        "1-implemented-stays", "The status of a closing that was carried out in a word to come is never left over.",
        ENDINGS, "    if status is not Status.CREATIVES_IMPLEMENTED:\n", "    if status is not None:\n",
        test=decision(
            "1 a closing was carried out while its status stood in a word to come, since named: it is left over"
        ),
    ),
    Mutant(
        "1-implemented-before-going-live-is-left-over", "Any Creatives Implemented that stands is left over.",
        ENDINGS, "    carried_out = last_reset(context) is not None and not", "    carried_out = not",
        test=decision("1 implemented before going live: the Account Manager's to empty"),
    ),
    Mutant(
        "1-window-14", "The kickoff comes at 14 days, not at 15.",
        KICKOFF, "if days > context.window:", "if days >= context.window:",
    ),
    Mutant(
        "1-window-16", "The kickoff comes at 16 days already.",
        KICKOFF, "if days > context.window:", "if days > context.window + 1:",
    ),
    Mutant(
        "1-key-without-cycle", "The key of a kickoff does not name its cycle: the second cycle's is taken.",
        KICKOFF, "KickoffKey(portfolio.id, context.cycle, max(", 'KickoffKey(portfolio.id, "start", max(',
    ),
    Mutant(
        "1-once-whatever-the-date", "A date that left the window and came back makes no new kickoff.",
        KICKOFF, "if before and not any(_is_after(context, version, before) for version in left):", "if before:",
    ),
    Mutant(
        "1-window-of-now", "Whether a date was out of the window is told by the window that the mapping says now.",
        IN_FORCE, "        then = self.at(version.at)\n        window", "        then = None\n        window",
        test=decision("1 the window was made smaller after a kickoff: done, although its date is out of it now"),
    ),
    Mutant(
        "1-zone-of-now", "The day on which a date was set is that of the time zone that the mapping says now.",
        IN_FORCE, "(then.window_days, then.zone)", "(then.window_days, mapping.zone)",
        test=decision("1 another time zone: what was within the window on the day of the old one"),
    ),
    Mutant(
        "1-day-of-utc", "The day on which a date was set is that of Greenwich.",
        IN_FORCE, "(version.value - local_date(version.at, zone)).days > window",
        "(version.value - (zone and version.at.date())).days > window",
        test="tests/unit/handoffs/test_shifted.py::test_the_table_shifted[at 21:30 in New York]",
    ),
    Mutant(
        "1-first-mapping-is-the-newest", "What is older than the first mapping that is known is judged by the newest.",
        IN_FORCE, "self.mappings[0])", "self.mappings[-1])",
        test="tests/unit/test_in_force.py::test_the_mapping_in_force[before the first]",
    ),
    Mutant(
        "1-unknown-mapping-is-todays", "After a lost database the kickoff's dates are judged by the mapping of now.",
        KICKOFF, "    return context.past.is_known(version.at) or version.at > before[-1].decided_at", "    return True",
        test=decision("1 a lost database, and the window was made smaller as well"),
    ),
    Mutant(
        "1-unknown-mapping-asks-nothing", "After a lost database no date that left the window makes a new kickoff.",
        KICKOFF, "is_known(version.at) or version.at > before[-1].decided_at", "is_known(version.at)",
        test=decision(
            "1 a lost database: a date moved out of the window after the kickoff asks for another all the same"
        ),
    ),
    Mutant(
        "1-move-within-window", "Any change of the date counts as one that left the window.",
        KICKOFF, "        and context.out_of_window(version)\n", "",
    ),
    Mutant(
        "1-confirmed-early", "A kickoff although the AM has confirmed already.",
        KICKOFF, "if portfolio.status is not None and not left_over:",
        "if portfolio.status not in {None, Status.REFRESH_REQUEST_SUBMITTED} and not left_over:",
    ),
    Mutant(
        "1-leftover-stays", "A leftover No Refresh Requested is not cleared by the next kickoff.",
        KICKOFF, "    if left_over:\n        effects.append(",
        "    if False:\n        effects.append(",
    ),
    Mutant(
        "1-before-the-closing", "A kickoff on the old date, before the closing has moved it.",
        KICKOFF, "    if context.pending:\n        return [after_ending(context, Handoff.KICKOFF)]\n", "",
    ),
    Mutant(
        "1-due-after-the-date", "The kickoff's task is due after the Refresh Date where that is near.",
        NEW_TASKS, "if kind is TaskKind.KICKOFF and when else None", "if kind is TaskKind.CREATE_TICKETS and when else None",
    ),
    Mutant(
        "1-due-before-today", "The kickoff's task is due before it is made where the Refresh Date is past.",
        SCHEMA, "day = max(today, latest)", "day = latest",
    ),
    # 2a
    Mutant(
        "2a-tasks-stay", "What a declined cycle had open stays open.",
        DECLINED, "[write, *close]", "[write]",
    ),
    Mutant(
        "2a-not-silent", "The AM is told of a decline as if creatives had gone live.",
        DECLINED, "[write, *close]\n",
        "[write, *close]\n"
        "    from mappings.vocabulary import EmailKind, Role\n    from sync.rules.model import Email\n"
        "    am, nobody = context.owner(Role.ACCOUNT_MANAGER)\n"
        "    effects.append(Email(EmailKind.REFRESH_LIVE, Role.ACCOUNT_MANAGER, am, context.variables(), None, nobody))\n",
    ),
    Mutant(
        "2a-closes-every-cycle", "A decline also closes what earlier cycles had left open.",
        ENDINGS, "if recorded.cycle != cycle or (on is not None", "if not recorded.cycle or (on is not None",
    ),
    Mutant(
        "2a-closes-adopted", "A decline closes adopted tasks, which are people's own.",
        ENDINGS, "(task := effect.own_task) is not None",
        "(task := effect.crm_id if effect.kind is EffectKind.TASK else None) is not None",
        test=decision("2a adopted tasks are people's own and stay"),
        why="Nothing is adopted in the simulation: every story begins with the portal.",
    ),
    Mutant(
        "2a-away-is-not-bypassed", "What waits on a ticket that was away when its cycle was declined goes on once it is back.",
        "sync/rules/decide.py",
        "        if context.declined_after(recorded.cause_at) is not None\n", "        if context.mapping is None\n",
        test="tests/story/test_interruptions.py::"
        "test_what_waited_on_a_ticket_that_was_away_when_the_client_declined_is_not_made[taken off]",
    ),
    Mutant(
        "2a-no-bypass-of-tickets", "Tickets of a declined cycle still bring Creative work.",
        TICKETS, "    if decline is not None:\n        reason = f\"{name_of(ticket)} belongs",
        "    if False:\n        reason = f\"{name_of(ticket)} belongs",
        test=decision("2a a ticket made and the refresh declined before anybody looked: no Creative work"),
    ),
    Mutant(
        "2a-once-ever", "The second closing of a portfolio is taken for the first.",
        CONTEXT, "return form(self.portfolio.id, ending.version.ms)", "return form(self.portfolio.id, 0)",
    ),
    # 2b
    Mutant(
        "2b-not-silent", "The client's yes closes the kickoff's task.",
        CONFIRMED, "verdicts.append(recorded_as_done(context, key, reason, version.at))",
        "from sync.rules.handoffs.endings import tasks_of_cycle\n            from sync.rules.handoffs.verdicts import due\n"
        "            from sync.rules.model import CloseTask\n"
        "            open_tasks = [t for t in context.tasks(tasks_of_cycle(context, context.cycle)) if t.is_open]\n"
        "            verdicts.append(due(context, key, reason, [CloseTask(t.id, reason) for t in "
        "open_tasks]))",
    ),
    # 3
    Mutant(
        "3-a-day-late", "The date arrives the day after.",
        DATE_ARRIVED, "if when > context.times.today:", "if when >= context.times.today:",
    ),
    Mutant(
        "3-confirmed-counts-as-acted", "Refresh Request Submitted is taken for a sign that the SAS has acted.",
        DATE_ARRIVED, "    if portfolio.status not in EARLY and",
        "    if portfolio.status not in EARLY - {Status.REFRESH_REQUEST_SUBMITTED} and",
    ),
    Mutant(
        "3-after-the-tickets", "The SAS is asked for tickets although they are submitted.",
        DATE_ARRIVED, "    if portfolio.status not in EARLY and",
        "    if portfolio.status not in EARLY | {Status.DELIVERABLES_SUBMITTED} and",
    ),
    Mutant(
        "3-never-again", "A date that was moved later after it fired does not fire again.",
        DATE_ARRIVED, "if before and when <= max(_day_of(recorded) for recorded in before):", "if before:",
        test=decision("3 moved later, has come, and the task was completed before: again"),
    ),
    Mutant(
        "3-moved-earlier", "A date that was moved earlier after it fired fires again.",
        DATE_ARRIVED, "if before and when <= max(", "if before and when == max(",
        test=decision("3 moved earlier: not again"),
    ),
    Mutant(
        "3-second-open-task", "A date that was moved later makes a second task beside the one still open.",
        DATE_ARRIVED, "if any(task.was_open_at(came) for task in",
        "if any(task.was_open_at(came) and not task.exists for task in",
        test=decision("3 moved later, has come, and the task is still open: not again"),
    ),
    Mutant(
        "3-open-when-it-arrived", "A date set to a day that is past is taken to have come on that day.",
        DATE_ARRIVED, "came = max(arrives, context.date_since)", "came = arrives",
        test=decision("3 moved later to today, an hour after the task was completed: again"),
    ),
    Mutant(
        "3-old-note", "The task quotes Notes of the cycle before.",
        DATE_ARRIVED, "context.quoted(portfolio.ref, context.refresh_began)",
        "context.quoted(portfolio.ref, context.times.go_live)",
        test=f"{UNIT}/test_3_date_arrived.py::test_3_a_note_of_the_cycle_before_is_not_the_source_of_truth",
    ),
    Mutant(
        "3-leftover-is-a-yes", "A leftover No Refresh Requested is taken for the client's yes.",
        DATE_ARRIVED, "unconfirmed=portfolio.status is not Status.REFRESH_REQUEST_SUBMITTED",
        "unconfirmed=portfolio.status is None",
        test=f"{UNIT}/test_3_date_arrived.py::test_3_says_whether_the_clients_yes_is_missing_and_whom_to_ask"
        "[a leftover of the cycle before]",
        why="The oracle knows a task by its subject, its owner and its records; it does not read the body.",
    ),
    # the Notes
    Mutant(
        "notes-manager-now-alone", "A Note of whoever was Account Manager when it was left is anybody's.",
        CONTEXT, 'then = next((version.value for version in portfolio.manager_history if version.at <= note.at), "")',
        'then = ""',
        test="tests/unit/test_notes.py::test_whose_word_is_the_account_managers",
    ),
    Mutant(
        "notes-stand-in-unknown", "The word of whoever stands in for the Account Manager is anybody's.",
        CONTEXT, "return note.by in named or note.by == self.owner(Role.ACCOUNT_MANAGER)[0]", "return note.by in named",
        test="tests/unit/test_notes.py::test_whose_word_is_the_account_managers",
        why="The mapping of the simulation names no stand-in.",
    ),
    Mutant(
        "notes-maker-ignored", "A Note without an owner is nobody's, though it is known who made it.",
        ACTIVITIES, 'by = values.get(OWNER, "") or users.get(_signed(record), "")', 'by = values.get(OWNER, "")',
        test="tests/story/test_notes.py::test_a_note_is_read_with_its_author_files_and_link[without an owner]",
        why="In the simulation whoever logs a Note is its owner.",
    ),
    Mutant(
        "notes-newest-hides-the-managers", "What was left last is quoted first, whoever left it.",
        NOTES, "quoted = _chosen(sorted(found, key=lambda note: note.id not in of_manager))", "quoted = _chosen(found)",
        test="tests/unit/test_notes.py::test_the_newest_ten_and_of_those_the_account_managers_go_before",
    ),
    Mutant(
        "notes-oldest-chosen", "Of many Notes the oldest are quoted.",
        NOTES, "return sorted((note for note in notes if note.at >= bound), key=_age, reverse=True)",
        "return sorted((note for note in notes if note.at >= bound), key=_age)",
        test="tests/unit/test_notes.py::test_the_newest_ten_and_of_those_the_account_managers_go_before",
    ),
    Mutant(
        "notes-in-one-row", "The Account Manager's Notes are shown among the others.",
        NOTES, "sorted(quoted, key=lambda each: (each[0].id not in of_manager, _age(each[0])))",
        "sorted(quoted, key=lambda each: _age(each[0]))",
        test="tests/unit/test_notes.py::test_all_since_the_bound_are_quoted_the_account_managers_first_each_oldest_first",
    ),
    Mutant(
        "notes-without-end", "Two hundred Notes are quoted.",
        NOTES, "        if len(chosen) == MOST_QUOTED:\n            break\n", "",
        test="tests/unit/test_notes.py::test_the_newest_ten_and_of_those_the_account_managers_go_before",
    ),
    Mutant(
        "notes-at-full-length", "Each Note may have 4,000 characters.",
        NOTES, "        room -= len(shown)\n", "",
        test="tests/unit/test_notes.py::test_what_does_not_fit_whole_is_cut_after_a_sentence_or_counted",
    ),
    Mutant(
        "notes-cut-anywhere", "What does not fit whole is cut in the middle of a word.",
        NOTES, "    ends = [match.start() for match in _SENTENCE_ENDS.finditer(head)]\n", "    ends = [len(head) - 1]\n",
        test="tests/unit/test_notes.py::test_shortened",
    ),
    Mutant(
        "notes-older-after-a-cut", "After a Note that was cut short an older one is quoted.",
        NOTES, "        if shown != text:\n            break\n", "",
        test="tests/unit/test_notes.py::test_nothing_older_stands_after_one_that_was_cut",
    ),
    Mutant(
        "notes-left-out-uncounted", "How many Notes more there are is not told.",
        NOTES, '"notes_more": len(found) - len(quoted),', '"notes_more": 0,',
        test="tests/unit/test_notes.py::test_the_newest_ten_and_of_those_the_account_managers_go_before",
    ),
    Mutant(
        "notes-files-alone", "A Note that only carries files is passed over.",
        NOTES, "        text = plain_text(note.body)\n",
        "        text = plain_text(note.body)\n        if not text:\n            continue\n",
        test="tests/unit/test_notes.py::test_a_note_of_files_alone_counts",
    ),
    Mutant(
        "notes-files-untold", "How many files a Note carries is not known.",
        ACTIVITIES, 'files = sum(bool(file.strip()) for file in values.get(NOTE_FILES, "").split(";"))', "files = 0",
        test="tests/story/test_notes.py::test_a_note_is_read_with_its_author_files_and_link[owned]",
    ),
    Mutant(
        "notes-link-to-the-record", "“Open the Note” opens the record.",
        PORTAL, 'return f"{self.url(on.kind, on.id)}?engagement={note}"', "return self.url(on.kind, on.id)",
        test="tests/story/test_notes.py::test_a_note_is_read_with_its_author_files_and_link[owned]",
    ),
    Mutant(
        "notes-older-untold", "That there are only older Notes is not said.",
        NOTES, '"notes_only_older": bool(notes) and not found,', '"notes_only_older": False,',
        test=f"{UNIT}/test_3_date_arrived.py::test_3_a_note_of_the_cycle_before_is_not_the_source_of_truth",
    ),
    Mutant(
        "notes-gone-are-none", "A portfolio that is deleted for a moment has no Notes.",
        ACTIVITIES, "gone = [record for record in wanted if record not in on and record not in faulty]",
        "gone: list[RecordRef] = []\n    on = {record: on.get(record, []) for record in wanted}",
        test="tests/story/test_notes.py::test_of_a_record_that_is_gone_meanwhile_nobody_knows_the_notes[owned]",
    ),
    # 4
    Mutant(
        "4-notes-of-now", "The tasks of a ticket of an earlier cycle quote the Notes of the one that runs.",
        TICKETS, "context.refresh_at(ticket.came_in)", "context.refresh_began",
        test=f"{UNIT}/test_4_tickets.py::test_4_a_ticket_of_an_earlier_cycle_quotes_the_notes_since_that_cycle_began",
    ),
    Mutant(
        "4-older-than-going-live", "Tickets from before going live bring Creative work.",
        TICKETS, "if ticket.came_in < context.times.go_live:", "if ticket.came_in > context.times.now:",
        test=decision("4 older than going live"),
        why="In the simulation the service is live before the first ticket is made.",
    ),
    Mutant(
        "4-closed-ticket", "A closed ticket brings Creative work.",
        TICKETS, "    if not ticket.is_open:\n        return not_applicable(context, Handoff.TICKETS,",
        "    if False:\n        return not_applicable(context, Handoff.TICKETS,",
        test=decision("4 closed before anybody looked"),
    ),
    Mutant(
        "4-own-designer-ignored", "The ticket's own designer does not win over the portfolio's.",
        TICKETS, "    for kind, role in work:\n        owner, blocked = context.owner(role, ticket)",
        "    for kind, role in work:\n        owner, blocked = context.owner(role)",
    ),
    Mutant(
        "4-deactivated-owner", "Work goes to a person who has left.",
        "sync/rules/people.py", "return self.active.get(one) or self.active.get(one.lower())", "return one",
        test=f"{UNIT}/test_people.py::test_who_has_left_gets_no_work",
        why="What such a person was to have is put aside before it is done, and decided anew, for ever.",
    ),
)  # fmt: skip
