"""Faults in the rules: what is to be done, and when. In the order of the handoffs, then what they stand on."""

from tests.mutation.mutant import Mutant

AD_SETS = "sync/rules/handoffs/ad_sets.py"
ADVANCING = "sync/rules/handoffs/advancing.py"
ANNOUNCEMENTS = "sync/rules/handoffs/announcements.py"
APPROVED = "sync/rules/handoffs/approved.py"
CLOSED = "sync/rules/handoffs/closed.py"
CONFIRMATION = "sync/rules/handoffs/confirmation.py"
CONFIRMED = "sync/rules/handoffs/confirmed.py"
DATE_ARRIVED = "sync/rules/handoffs/date_arrived.py"
DECLINED = "sync/rules/handoffs/declined.py"
ENDINGS = "sync/rules/handoffs/endings.py"
ANCESTRY = "sync/rules/ancestry.py"
IDENTITY = "sync/rules/identity.py"
KICKOFF = "sync/rules/handoffs/kickoff.py"
NAMES = "mappings/names.py"
NOTES = "sync/rules/notes.py"
PORTAL = "sync/passes/portal.py"
REVISIONS = "sync/rules/handoffs/revisions.py"
ROUNDS = "sync/rules/handoffs/rounds.py"
REVISION_NOTES = "sync/rules/handoffs/revision_notes.py"
SET_READY = "sync/rules/handoffs/set_ready.py"
SLIPS = "mappings/slips.py"
TICKETS = "sync/rules/handoffs/tickets.py"
CONTEXT, CYCLE, CADENCE = "sync/rules/context.py", "sync/rules/cycle.py", "sync/rules/cadence.py"
DECIDE, MODEL, IN_FORCE = "sync/rules/decide.py", "sync/rules/model.py", "sync/rules/in_force.py"
ACTIVITIES, GROUP, PARENTS, RECORDS = (
    "sync/passes/snapshot/activities.py",
    "sync/passes/snapshot/group.py",
    "sync/passes/snapshot/parents.py",
    "sync/passes/snapshot/records.py",
)

NEW_TASKS, SCHEMA = "sync/passes/effects/tasks.py", "mappings/schema.py"

MOVING = "tests/story/handoffs/test_5_moved_on.py"
UNIT, CYCLES = "tests/unit/handoffs", "tests/unit/test_cycle.py"
TABLES = {
    "1": "test_1_kickoff.py", "2a": "test_2a_declined.py", "2b": "test_2b_confirmed.py", "3": "test_3_date_arrived.py",
    "4": "test_4_tickets.py", "5": "test_5_set_ready.py", "6": "test_6_revisions.py", "7": "test_7_approved.py",
    "8": "test_8_closed.py", "9": "test_9_confirmation.py", "condition": "test_condition.py",
    "merged": "test_merged.py", "lone": "test_4_tickets.py", "incomplete": "test_incomplete.py",
}  # fmt: skip
"""The files of the decision table, by what the ids of their rows begin with."""


def decision(row: str) -> str:
    """The test of this row of the decision table, by its id."""
    return f"{UNIT}/{TABLES[row.partition(' ')[0]]}::test_decision[{row}]"


MUTANTS = (
    # 1
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
        KICKOFF, "if portfolio.status not in {None, Status.NO_REFRESH_REQUESTED}:",
        "if portfolio.status not in {None, Status.NO_REFRESH_REQUESTED, Status.REFRESH_REQUEST_SUBMITTED}:",
    ),
    Mutant(
        "1-leftover-stays", "A leftover No Refresh Requested is not cleared by the next kickoff.",
        KICKOFF, "    if portfolio.status is Status.NO_REFRESH_REQUESTED:\n        effects.append(",
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
        DATE_ARRIVED, "    if portfolio.status not in EARLY:",
        "    if portfolio.status not in EARLY - {Status.REFRESH_REQUEST_SUBMITTED}:",
    ),
    Mutant(
        "3-after-the-tickets", "The SAS is asked for tickets although they are submitted.",
        DATE_ARRIVED, "    if portfolio.status not in EARLY:",
        "    if portfolio.status not in EARLY | {Status.DELIVERABLES_SUBMITTED}:",
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
    # 5
    Mutant(
        "5-one-behind", "A set is announced with one ticket still behind.",
        SET_READY, "    if behind:\n", "    if len(behind) > 1:\n",
    ),
    Mutant(
        "5-no-barrier", "A set is announced although its newest ticket is young and more may come.",
        SET_READY, "if not sure and context.times.now < complete_at:",
        "if not sure and context.times.now < context.times.go_live:",
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
        AD_SETS, "if ticket.is_open and context.in_cycle(ticket)]", "if ticket.is_open]",
    ),
    Mutant(
        "5-closed-tickets-count", "Closed tickets hold up a set.",
        AD_SETS, "if ticket.is_open and context.in_cycle(ticket)]", "if context.in_cycle(ticket)]",
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
        SET_READY, "        *ad_set.closings(before, key, number),\n", "",
        test=decision("5 a repeat says that it is one"),
    ),
    Mutant(
        "5-closes-what-was-opened-again", "A task to share that a person has opened again is closed.",
        ANNOUNCEMENTS, "if task.is_open_since(since)]", "if task.is_open]",
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
        DECIDE, "covered | pointless | _about_to_be_replaced(verdicts, context)", "covered | pointless",
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
        ADVANCING, "for ticket in current_tickets(context):", "for ticket in context.snapshot.tickets:",
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
    # 6
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
        CONTEXT, "min(self.portfolio.status_history[-1].at, self.times.ledger_began)", "self.portfolio.status_history[-1].at",
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
        "6-closes-what-was-reopened", "A task of the round before that a person has opened again since is closed.",
        REVISIONS, "if task.is_open_since(version.at)]", "if task.is_open]",
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
        REVISION_NOTES, "return context.times.now < notes_until(version) and not context", "return False and not context",
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
        CONTEXT, "            for effect in self.tasks_made(handoff, cycle)\n            if effect.crm_id is not None\n        }",
        "            for effect in self.tasks_made(handoff, cycle)[::-1]\n            if effect.crm_id is not None\n        }",
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
        CLOSED, "own = tasks_of_cycle(context, cycle) if leftovers else implementing",
        "own = tasks_of_cycle(context, cycle) if leftovers else []",
        test=decision("8 the switch is off: the implementation task alone"),
    ),
    Mutant(
        "8-leftovers-stay", "When a cycle is closed, the implementation task alone is completed.",
        CLOSED, "own = tasks_of_cycle(context, cycle) if leftovers else implementing", "own = implementing",
    ),
    Mutant(
        "8-leftovers-whatever-the-switch", "The switch that leaves the cycle's other tasks open does nothing.",
        CLOSED, "own = tasks_of_cycle(context, cycle) if leftovers else implementing",
        "own = tasks_of_cycle(context, cycle)",
        test=decision("8 the switch is off: the implementation task alone"),
        why="In the simulation the switch is on.",
    ),
    Mutant(
        "8-leftovers-opened-again", "What a person has opened again since the end of the cycle is closed.",
        ENDINGS, "return [task for task in context.tasks(wanted) if task.is_open_since(ending.closing.at)]",
        "return [task for task in context.tasks(wanted) if task.is_open]",
        test=decision("8 what a person has opened again since it was closed stays"),
    ),
    Mutant(
        "8-leftovers-lost", "After a lost database, tasks on tickets that came later are closed with an old cycle.",
        CLOSED, "own = tasks_of_cycle(context, cycle, on=(portfolio.ref,)) if leftovers else implementing",
        "own = tasks_of_cycle(context, cycle) if leftovers else implementing",
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
        why="The oracle knows an email by its subject and its receiver; it does not read the body.",
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
        why="The oracle knows an email by its subject and its receiver; it does not read the body.",
    ),
    # the settle time
    Mutant(
        "settle-slip-ends", "What was taken back within seconds ends the cycle all the same.",
        CYCLE, "    return stood\n", "    return True\n",
    ),
    Mutant(
        "settle-moved-on-is-a-slip", "What stood for hours ends nothing once somebody has moved it on.",
        CYCLE, "stood >= settle or not settle, known", "stood >= settle and after is None, known",
    ),
    Mutant(
        "settle-set-again-begins-anew", "The time begins anew with the same status set again while it stands.",
        CYCLE, "if previous is None or version.value is not previous.value:", "if True:",
        test=f"{CYCLES}::test_set_again_while_it_stands_is_one_version_and_its_time_goes_on",
    ),
    Mutant(
        "settle-by-our-clock", "How long it has stood is told by the service's own clock.",
        CONTEXT, "return self.snapshot.read_at or self.times.now", "return self.times.now",
        test=f"{UNIT}/test_decide.py::test_our_own_clock_tells_nothing_of_how_long_it_has_stood",
        why="In the simulation there is one clock.",
    ),
    Mutant(
        "settle-call-not-taken-off", "The time of a slow answer is taken for the time at which it was asked.",
        "sync/hubspot/transport.py", ".astimezone(UTC) - timedelta(seconds=seconds)", ".astimezone(UTC)",
        test="tests/contract/hubspot/test_reading.py::TestReading::test_the_crms_own_time_not_later_than_the_call",
        why="In the simulation a call takes no time, unless it is disturbed.",
    ),
    Mutant(
        "settle-own-waits", "The service's own Creatives Implemented has to stand like a person's.",
        CYCLE, "by_service = version.own and version.value is Status.CREATIVES_IMPLEMENTED", "by_service = False",
        test=f"{CYCLES}::test_the_services_own_word_counts_at_once",
    ),
    Mutant(
        "settle-reset-is-a-slip", "After a lost database, what the service had reset at once counts for nothing.",
        CYCLE, "if by_service or (after is not None and after.own):", "if by_service:",
        test=f"{CYCLES}::test_the_services_own_word_counts_at_once",
    ),
    Mutant(
        "settle-judged-anew", "What counted under another settle time is judged anew.",
        CYCLE, "if version.ms in known.counted or (", "if (",
        test=f"{CYCLES}::test_what_the_ledger_holds_stays_as_it_was_judged",
        why="In the simulation the settle time stays as it is.",
    ),
    Mutant(
        "settle-old-slips-end", "Slips of before the upgrade end cycles by the upgrade.",
        CYCLE, "known.before is not None and after.at < known.before", "known.before is None and after.own",
        test=f"{CYCLES}::test_what_was_changed_before_there_was_a_settle_time",
        why="The simulation begins with this release.",
    ),
    Mutant(
        "settle-1-goes-on", "The kickoff empties a decline while a closing version may still be taken back.",
        KICKOFF, "(settling := until_settled(context, Handoff.KICKOFF)) is not None", "(settling := None) is not None",
        test=decision("1 a closing version may still be taken back: nothing is decided that hangs on the status"),
    ),
    Mutant(
        "settle-3-goes-on", "The SAS is told to create tickets while a closing version may still be taken back.",
        DATE_ARRIVED, "(settling := until_settled(context, Handoff.DATE_ARRIVED)) is not None", "(settling := None) is not None",
        test=decision("3 a closing version may still be taken back: nothing is decided that hangs on the status"),
    ),
    Mutant(
        "settle-5-goes-on", "A set is announced, over the status, while a closing version may still be taken back.",
        SET_READY, "(settling := until_settled(context, Handoff.SET_READY)) is not None", "(settling := None) is not None",
        test=decision("5 a closing version may still be taken back: nothing is decided that hangs on the status"),
    ),
    Mutant(
        "settle-7-goes-on", "Approvals are recorded as overtaken while a closing version may still be taken back.",
        APPROVED, "(settling := until_settled(context, Handoff.APPROVED)) is not None", "(settling := None) is not None",
        test=decision("7 a closing version may still be taken back: nothing is decided that hangs on the status"),
    ),
    Mutant(
        "settle-8-goes-on", "An older closing is carried out, and empties one that may still be taken back.",
        CLOSED, "(settling := until_settled(context, Handoff.CLOSE)) is not None", "(settling := None) is not None",
        test=decision("8 an older closing waits while a second one may be taken back: the reset would empty it"),
    ),
    Mutant(
        "settle-2a-says-nothing", "That a decline waits is not said, and it is not looked at again.",
        DECLINED, "settling = until_settled(context, Handoff.DECLINED)", "settling = None",
        test=decision("2a declined, and it may still be taken back: nothing yet"),
    ),
    Mutant(
        "settle-2a-switch", "The switch empties a second decline with the first.",
        DECLINED, "is Status.NO_REFRESH_REQUESTED and context.settling is None", "is Status.NO_REFRESH_REQUESTED",
        test=decision(
            "2a a decline that counted is carried out while another closing version waits, which the switch does not empty"
        ),
    ),
    Mutant(
        "settle-slip-not-recorded", "A slip is not recorded, and another settle time makes it end a cycle.",
        ENDINGS, "if version.value is by and fresh and", "if version.value is by and not fresh and",
        test=decision("8 a slip is told as one"),
    ),
    Mutant(
        "settle-task-at-once", "A ticked implementation task counts within the second.",
        CONTEXT, "if self.counts_at(task.completed_at) <= self.read_at:", "if True:",
    ),
    Mutant(
        "settle-7-second-task", "A slip on the task and an approval set again make a second implementation task.",
        APPROVED, "(counts_at := context.unsettled(before)) is not None", "(counts_at := None) is not None",
        test=decision("7 set again after the task was completed, which may still be taken back: wait"),
    ),
    Mutant(
        "settle-begun-is-given-up", "What was begun is given up for good while a closing version waits.",
        "sync/rules/transition.py", "handoffs = {*decision.undecided, *of_all", "handoffs = {*of_all",
        test=f"{UNIT}/test_decide.py::test_what_was_begun_is_left_as_it_is_while_a_closing_version_waits",
    ),
    Mutant(
        "settle-not-looked-at-again", "When a closing counts, nobody looks before the next sweep.",
        DECIDE, "v.state is State.WAITING and v.when]", "v.state is State.WAITING and v.when and not context.settling]",
        test=f"{UNIT}/test_decide.py::test_it_is_looked_at_again_when_a_closing_version_counts",
    ),
    Mutant(
        "settle-task-not-looked-at-again", "When a completed implementation task counts, nobody looks before the next sweep.",
        DECIDE, "frozenset({Handoff.DECLINED, Handoff.SET_READY, Handoff.REVISIONS, Handoff.APPROVED, Handoff.CLOSE})",
        "frozenset({Handoff.DECLINED, Handoff.SET_READY, Handoff.REVISIONS})",
        test=f"{UNIT}/test_decide.py::test_it_is_looked_at_again_when_a_completed_task_counts",
    ),
    Mutant(
        "settle-remembered-too-soon", "The ledger remembers a closing that may still be taken back.",
        DECIDE, "tuple(ending.closing for ending in context.endings)",
        "tuple(ending.closing for ending in (*context.endings, *([context.settling] if context.settling else [])))",
        test=f"{UNIT}/test_decide.py::test_closings_are_remembered_once_they_are_sure",
    ),
    # the cycle and the date
    Mutant(
        "cycle-without-end", "Every cycle is taken for the first.",
        CYCLE, "return START if started is None else str(to_ms(started))", "return START",
    ),
    Mutant(
        "cadence-from-today", "The next date is counted from today, not from the old date.",
        CADENCE, "start = today if current is None else current", "start = today",
    ),
    Mutant(
        "cadence-one-too-many", "Counted in days, the next date skips one refresh.",
        CADENCE, "(today - start).days // interval.days + 1)", "(today - start).days // interval.days + 2)",
    ),
    Mutant(
        "cadence-stays-days", "Counted in days, a date that is still ahead does not move.",
        CADENCE, "return max(1, (today - start).days", "return max(0, (today - start).days",
    ),
    Mutant(
        "cadence-stays-months", "Counted in months, a date that is still ahead does not move.",
        CADENCE, "return max(1, -(-months", "return max(0, -(-months",
    ),
    Mutant(
        "cadence-today-is-later", "The next date may be today.",
        CADENCE, "if found <= today:", "if found < today:",
        test="tests/unit/test_cadence.py::test_the_next_date[the month is this one, the day is today]",
    ),
    Mutant(
        "cadence-drifts", "Months are counted step by step: the 31st becomes the 28th for good.",
        CADENCE, "return start + relativedelta(months=interval.months * count, day=start.day if day is None else day)",
        "for _ in range(count):\n        start += relativedelta(months=interval.months)\n    return start",
        test="tests/unit/test_cadence.py::test_the_next_date[and the 31st again after it]",
    ),
    Mutant(
        "day-forgotten-after-february", "Months keep the day of the date now on the record: the 31st becomes the 28th.",
        CONTEXT, "day = self.month_day if interval.months else None", "day = None",
        test=decision("2a months keep the day that a person chose: after 28 February comes 31 March"),
    ),
    Mutant(
        "day-own-date-chosen", "The service's own date counts as chosen by a person.",
        CONTEXT, "(version.value for version in self.portfolio.date_history if not version.own)",
        "(version.value for version in self.portfolio.date_history)",
        test=decision("8 months keep the day that a person chose: after 28 February comes 31 March"),
    ),
    Mutant(
        "day-set-by-hand-ignored", "What the ledger remembers of the day wins over what a person has set since.",
        CONTEXT, "for day in (self._day_in_history(), self._day_in_ledger(current)):",
        "for day in (self._day_in_ledger(current), self._day_in_history()):",
        test=decision("2a a person sets the 28th by hand after the service: chosen"),
    ),
    Mutant(
        "day-not-remembered", "The ledger does not remember the day, which the CRM forgets.",
        ENDINGS, "if following.month_day is not None:", "if False:",
        test=decision("8 the CRM has forgotten the day that was chosen: the ledger remembers it"),
    ),
    Mutant(
        "day-of-any-date", "The day that the ledger remembers counts for whatever date stands by now.",
        CONTEXT, "recorded.detail.get(NEXT_DATE) == current.isoformat()", "NEXT_DATE in recorded.detail",
        test=decision(
            "2a the CRM has forgotten it, and another integration has set another date: what the ledger wrote stands no more"
        ),
    ),
    Mutant(
        "day-of-a-date-moved-since", "The chosen day counts though a cadence of days has moved the date since.",
        CADENCE, "    return None\n\n\ndef _after(", "    return current\n\n\ndef _after(",
        test=decision("2a moved by weeks since: the day that was chosen is no longer the date's"),
    ),
    Mutant(
        "day-month-left-out", "A date that a weekend has moved into the next month is counted from there.",
        CADENCE, "        start = meant\n    else:", "        pass\n    else:",
        test=decision("2a moved off a weekend, into the next month: no month is skipped, and the day is kept"),
    ),
    # what the rules see
    Mutant(
        "settled-whatever-the-write", "A rule is through with an occurrence whose write is still to be done.",
        MODEL, "return self.committed and all(e.state in through for e in self.effects if e.kind is EffectKind.WRITE)",
        "return self.committed",
        test="tests/unit/test_ledger.py::test_a_write_that_nobody_knows_of_is_not_settled",
    ),
    Mutant(
        "ticket-highest-portfolio", "A ticket on two portfolios counts for the one with the highest id.",
        PARENTS, "return min(primary or [end.to for end in ends], key=int, default=None)",
        "return max(primary or [end.to for end in ends], key=int, default=None)",
        test="tests/story/handoffs/test_4_tickets.py::test_4_on_two_portfolios_it_counts_for_the_primary_one",
    ),
    Mutant(
        "ticket-primary-ignored", "The label Primary does not decide where a ticket counts.",
        PARENTS, 'if any(label.casefold() == "primary"', 'if any(label.casefold() == "first"',
    ),
    Mutant(
        "ticket-on-both", "A ticket on two portfolios counts for both.",
        GROUP, "if read.parents.of.get(t) == i and t in read.tickets]", "if t in read.tickets]",
        test="tests/story/handoffs/test_4_tickets.py::test_4_on_two_portfolios_it_counts_for_the_primary_one",
    ),
    Mutant(
        "ticket-never-closed", "A closed stage is not known as closed.",
        RECORDS, "is_open=here and not portal.is_closed(stage_id)", "is_open=here",
        test="tests/story/handoffs/test_5_set_ready.py::test_5_what_can_complete_a_set",
    ),
    Mutant(
        "ticket-came-when-created", "A ticket came into the pipeline when it was created, wherever that was.",
        IDENTITY, "came_in=since(pipelines, bool, ticket.created_at) if here else None,",
        "came_in=ticket.created_at if here else None,",
        test="tests/story/test_interruptions.py::test_a_ticket_made_long_ago_is_of_the_cycle_in_which_it_came_into_the_pipeline",
    ),
    Mutant(
        "date-in-local-time", "A date that comes as milliseconds is read in New York, not at midnight UTC.",
        RECORDS, "return moment.astimezone(UTC).date()",
        "return datetime.fromtimestamp(moment.timestamp() - 5 * 3600, UTC).date()",
    ),
    Mutant(
        "barrier-not-looked-at-again", "Nobody looks again when the barrier's time is up.",
        DECIDE,
        "frozenset({Handoff.DECLINED, Handoff.SET_READY, Handoff.REVISIONS, Handoff.APPROVED, Handoff.CLOSE})",
        "frozenset({Handoff.DECLINED, Handoff.REVISIONS, Handoff.APPROVED, Handoff.CLOSE})",
        test=f"{UNIT}/test_5_set_ready.py::test_a_set_that_waits_for_the_barrier_is_looked_at_when_its_time_is_up",
    ),
    Mutant(
        "blocked-for-ever", "What waited for a person is not given to the one who comes.",
        DECIDE, "found[effect.key] = Reassigned(owner, blocked)",
        "found[effect.key] = Reassigned(None, blocked or effect.reason)",
        test=decision("4 the designer is named later: that task alone"),
    ),
    Mutant(
        "6-closing-leaves-them-open", "A task that a closing is about to complete stands for what is asked after it.",
        REVISIONS, "for ending in context.pending if context.mapping.rules.close_leftovers else context.pending_declines:",
        "for ending in context.pending_declines:",
        test="tests/unit/handoffs/test_6_revisions.py::test_6_asked_for_again_right_after_a_closing_gets_new_tasks",
    ),
    # merged records
    Mutant(
        "lost-kickoff-tells-no-ending", "After a loss, the next cycle's kickoff does not tell that the ending was carried out.",
        ENDINGS, "return bool(_begun_after(context, ending)) or _has_moved_the_date(context, ending)",
        "return _has_moved_the_date(context, ending)",
        test=decision(
            "2a a lost database: the CRM has forgotten the move, and the kickoff of the cycle that it began is there"
        ),
    ),
    Mutant(
        "lost-later-move-for-an-earlier-end", "After a loss a move made after the next cycle began counts for the end before it.",
        ENDINGS, "if moves and (not begun or moves[0] <= min(begun)):", "if moves:",
        test=decision("2a a lost database: the CRM has forgotten the move for the decline before, and shows the one for this"),
    ),
    Mutant(
        "lost-any-kickoff-tells-the-ending", "After a loss, a kickoff of the cycle that it ended tells that it was carried out.",
        ENDINGS, "int(cycle) >= ending.version.ms]", "int(cycle) >= 0]",
        test=decision("8 a lost database: the second closing is still to be carried out"),
    ),
    Mutant(
        "merged-other-is-primary", "The one that was merged away is taken for the primary.",
        ANCESTRY, "told = [former.record for former in merged if former.primary]",
        "told = [former.record for former in merged if former.primary is False]",
        test=decision("merged but not what was open of a cycle of the other one that had ended"),
    ),
    Mutant(
        "merged-cycle-tells-nothing", "Which record was the primary is not told by the cycle in which the new one went on.",
        ANCESTRY, "return self._goes_on(record), name,", "return 0, name,",
        test="tests/unit/test_ancestry.py::test_the_cycle_that_the_new_record_went_on_in_tells_more_than_any_name",
    ),
    Mutant(
        "merged-primary-by-what-stands-now", "Which record was the primary is told by what people have set since the merge.",
        ANCESTRY, "return before[0].value if before and len(before) < len(history) else value", "return value",
        test="tests/unit/test_ancestry.py::test_what_people_have_set_since_the_merge_does_not_tell",
    ),
    Mutant(
        "merged-name-tells-nothing", "Which record was the primary is not told by what it was called.",
        ANCESTRY, "name = 0 if not called", "name = 0 if called",
        test="tests/story/handoffs/test_merged.py::test_1_the_primary_is_told_by_its_name_where_its_date_was_just_changed",
    ),
    Mutant(
        "merged-primary-not-remembered", "Which record was the primary is told anew by what stands now, at each look.",
        "sync/passes/found.py", "    identities.remember(connection, known)\n", "",
        test="tests/story/handoffs/test_merged.py::test_1_whom_the_first_look_took_for_the_primary_stays_it",
    ),
    Mutant(
        "merged-tickets-task-made-again", "What waits for a person on one of two merged tickets is made though the other has it.",
        "sync/rules/handoffs/tickets.py", "if effect is not stays and effect.state in OPEN_EFFECTS",
        "if effect is stays and effect is None",
        test=decision("merged what waited for a person on one ticket was made on the other: it is not made again"),
    ),
    Mutant(
        "merged-waits-on-both-made-on-neither", "What waits for a person on both of two merged tickets is never made.",
        "sync/rules/handoffs/tickets.py", "if effect is not stays and effect.state in OPEN_EFFECTS",
        "if effect.state in OPEN_EFFECTS",
        test=decision("merged it waits on both: it is made once"),
    ),
    Mutant(
        "merged-recovered-task-of-other", "After a loss, the tasks that are found of the other ticket do not count.",
        "sync/rules/handoffs/work.py", "for recorded in of_cause for effect in recorded.effects",
        "for recorded in list(of_cause)[:1] for effect in recorded.effects",
        test=decision("merged after a lost database one task is found on each: none is made again"),
    ),
    Mutant(
        "merged-old-keys-forgotten", "What was done under an old id is not looked up.",
        MODEL, "records = ancestry.line if key.cycle_told else (*ancestry.line, *ancestry.others)",
        "records = (ancestry.record,)",
        test=decision("merged a revision that the ticket took from the other one is answered, and not emptied by the merge"),
    ),
    Mutant(
        "merged-every-version-counts", "The other one's versions count as the primary's.",
        IDENTITY, "kept = [version for version in people if self._is_of_line(name, version)]", "kept = list(people)",
        test=decision("merged a date of the other one, out of the window, is no date of the primary's"),
    ),
    Mutant(
        "merged-version-is-an-act", "A version that the merge itself wrote is taken for an act of a person.",
        IDENTITY, "people = [version for version in before if not version.by_merge]", "people = list(before)",
        test=decision("merged the approval that the merge has written again is no new one"),
    ),
    Mutant(
        "merged-stage-by-newest-version", "A merged ticket is in the stage of its newest version, whatever stands.",
        IDENTITY, "ticket.pipeline_history, ticket.stage_value\n", "ticket.pipeline_history, ticket.stage_history[0].value\n",
        test="tests/story/handoffs/test_merged.py::test_5_an_answer_without_the_merges_version_announces_nothing",
    ),
    Mutant(
        "merged-unknown-never-counts", "A version that nobody knows does not count, though it led to the value that stands.",
        IDENTITY, "leading = next((version for version in open_to_either if",
        "leading = next((version for version in kept if",
        test=decision("merged a decline that nobody knows whose it was counts, as it led to the value that stands"),
    ),
    Mutant(
        "merged-closing-of-other-ends", "A closing version of the other one ends the running cycle where its value stands.",
        IDENTITY, "may_inherit=lambda status: status not in CLOSING_STATUSES", "may_inherit=lambda _: True",
        test=decision("merged nor does one that a pass had seen and could not carry out, though its value stands now"),
    ),
    Mutant(
        "merged-tasks-of-other-stay", "What the other one had open stays open when the cycle ends.",
        IDENTITY, "if cycle != cycles.running(root.record):", "if cycle:",
        test=decision("merged after the merge a decline closes what was open of both"),
    ),
    Mutant(
        "merged-ended-cycles-join", "What was made in earlier cycles of the other one belongs to the running cycle.",
        IDENTITY, "if cycle != cycles.running(root.record):", "if not cycle:",
        test=decision("merged but not what was open of a cycle of the other one that had ended"),
    ),
    Mutant(
        "merged-any-kickoff-counts", "The other one's kickoff counts whatever date it was for.",
        KICKOFF, "if recorded.settled and context.is_for_date(recorded)", "if recorded.settled",
        test=decision("merged the other one was kicked off for another date: the primary's own comes"),
    ),
    Mutant(
        "merged-any-date-counts", "A date of the other one that came counts whatever the primary's is.",
        DATE_ARRIVED, "if recorded.settled and context.is_for_date(recorded)", "if recorded.settled",
        test="tests/story/handoffs/test_merged.py::test_3_an_earlier_date_of_the_primary_comes_all_the_same",
    ),
    Mutant(
        "merged-entries-forgotten", "Tickets that were merged are announced anew.",
        "sync/rules/handoffs/announcements.py", "Entry(current(RecordRef(Kind.TICKET, entry.ticket)).id, entry.ms)",
        "Entry(entry.ticket, entry.ms)",
        test="tests/story/handoffs/test_merged.py::test_5_merged_tickets_of_an_announced_set",
    ),
    Mutant(
        "merged-older-task-closes-nothing", "Of the implementation tasks of both only the newest closes the cycle.",
        CONTEXT, "return keys.parse(occurrence).record if self.ledger.is_other(occurrence) else None", "return None",
        test=decision("merged the other one's is completed after the merge"),
    ),
    Mutant(
        "merged-done-before-the-merge", "A task of the other one that was completed before the merge closes the cycle.",
        CLOSED, " and not _was_done_before_merge(context, task)", "",
        test=decision("merged the other one's was completed before the merge, for another status"),
    ),
    Mutant(
        "merged-emptied-at-once", "A revision that the ticket took from the other one is emptied by the merge.",
        REVISIONS, "if newest.inherited and ticket.merged_at", "if ticket.came_in is None and ticket.merged_at",
        test=decision("merged a revision that the ticket took from the other one is answered, and not emptied by the merge"),
    ),
    Mutant(
        "merged-lost-kickoff", "After a loss a kickoff of the other one counts for no date.",
        CONTEXT, "return there and ahead is not None and ahead <= self.window", "return False",
        test=decision("merged the same after a lost database"),
    ),
    Mutant(
        "partly-blocked-unwatched", "Of an occurrence blocked in part, the next look is the daily sweep's.",
        "sync/rules/decide.py", "return verdict.state is State.BLOCKED or any(effect.blocked for effect in effects)",
        "return verdict.state is State.BLOCKED",
        test="tests/story/test_verify.py::TestLeftLying::test_nobody_looks_at_it_any_more",
    ),
    Mutant(
        "5-brought-along-is-new", "What the other of two merged portfolios announced in a cycle since ended is announced again.",
        SET_READY, "for one in (*before, *ended) if one.was_made", "for one in before if one.was_made",
        test=decision("merged a set that the other one announced in a cycle since ended is announced"),
    ),
)  # fmt: skip
