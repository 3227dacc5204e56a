"""What a task quotes of the Notes that people have left on its portfolio (docs/process.md 2b.5 to 2b.9, 3.13 and 4.14)."""

import html
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

from tests.simulation.oracle.finding import Verdict
from tests.simulation.oracle.handoffs import Handoffs, Offer
from tests.simulation.oracle.record import AM, Rec
from tests.simulation.oracle.records import Records, role_property

MOST, LONGEST = 10, 4_000

_QUOTED = re.compile(
    r'<p><strong>([^<]*)</strong>:</p>\s*<blockquote>(.*?)</blockquote>\s*<p><a href="[^"]*\?engagement=(\d+)">Open the '
    r"Note</a>(?:: (a|\d+) files? (?:is|are) attached)?</p>",
    re.DOTALL,
)
_MORE = re.compile(r"(One|\d+) more Notes? (?:is|are) not quoted here")
_NONE = "No Note was left on the Creative Portfolio"
_ONLY_OLDER = "there are only older ones"


class Shown(NamedTuple):
    """One Note as the task quotes it."""

    head: str
    text: str
    note: str
    files: str


class Left(NamedTuple):
    """A Note on the portfolio, as it was between the look that the task was decided by and its making.

    `must`: it was there all that time, and is beyond doubt of this refresh. `manager`: whether it is the Account Manager's
    word; None: that is not said, as the Account Manager has changed.
    """

    rec: Rec
    at: int
    must: bool
    may: bool
    manager: bool | None
    texts: frozenset[str]

    @property
    def place(self) -> tuple[int, int]:
        return self.at, int(self.rec.ref.id)


class Notes:
    """`check` what a task quotes. `names` and `users`: names and user ids, by owner id."""

    def __init__(
        self,
        records: Records,
        handoffs: Handoffs,
        names: Mapping[str, str],
        users: Mapping[str, int],
        find: Callable[[Verdict, str], None],
    ) -> None:
        self._crm = records
        self._handoffs = handoffs
        self._names = dict(names)
        self._owner_of = {str(user): owner for owner, user in users.items()}
        self._find = find

    def check(self, offer: Offer, task: Rec, parent: Rec, since: int, what: str) -> None:
        """`since`: a moment (a number) of the cycle whose Notes are to be quoted."""
        body = task["hs_task_body"]
        shown = [Shown(head, _plain(text), note, files) for head, text, note, files in _QUOTED.findall(body)]
        earliest, latest = self._bounds(offer, parent, since)
        left = {one.rec.ref.id: one for one in self._left(offer, parent, earliest, latest)}
        self._check_none(body, shown, left.values(), what)
        for one in shown:
            self._check_shown(one, left.get(one.note), what)
        known = [left[one.note] for one in shown if one.note in left]
        if len(known) == len(shown):
            self._check_order(known, what)
            self._check_hidden(body, shown, left, what)

    def _bounds(self, offer: Offer, parent: Rec, since: int) -> tuple[int, int]:
        """The moments, the earliest and the latest that may be meant, since which Notes are of this refresh."""
        closings = self._crm.closings(parent)
        cycles = (
            {self._crm.cycle(closings, since), offer.cycle}
            if offer.key[0] == "3"
            or since > offer.number  # its ticket has left the pipeline and come again since (C.8)
            else {self._crm.cycle(closings, since)}
        )
        found = [one.at for one in closings if one.number in cycles]
        if 0 in cycles:
            found += self._first(offer, parent)
        return (min(found), max(found)) if found else (0, self._crm.now.at)

    def _first(self, offer: Offer, parent: Rec) -> list[int]:
        """In a portfolio's first known cycle: the day of its kickoff, else the opening of the window, or as many days
        before today, whichever is earlier. Whether a kickoff of the same look counts is not said."""
        calendar, now = self._crm.calendar, self._crm.now.at
        name = self._crm.names.date
        dates = [
            parent.as_of(name, offer.read),
            *(v.value for v in parent.history.get(name, ()) if v.number > offer.read),
        ]
        kickoffs = [o.at for o in self._handoffs.offers.values() if o.key[:3] == ("1", parent.ref.id, 0)]
        made = [task.rec.at for task in self._crm.tasks_on(parent, "1")][:1]
        found = []
        for at in {now, offer.at}:  # the window and the zone may have been changed in between
            today = calendar.today_at(at)
            soonest = [today, *(min(today, date.fromisoformat(one)) for one in dates if one)]
            found += [calendar.midnight(day - timedelta(days=calendar.window_at(at)), at) for day in soonest]
            kicked_off = [*kickoffs, *made, *([now] if kickoffs and not made else [])]
            # Of a kickoff in another time zone: its day there, or the day that its moment is of here.
            found += [
                calendar.midnight(day, at)
                for one in kicked_off
                for day in {calendar.today_at(one), calendar.day_of(str(one), at)}
            ]
        return found

    def _left(self, offer: Offer, parent: Rec, earliest: int, latest: int) -> Iterable[Left]:
        for rec in self._crm.all.values():
            if rec.ref.kind != "note" or parent.ref not in rec.links:
                continue
            at = _moment(rec["hs_timestamp"])
            there = rec.number <= offer.read and rec.lived_since(offer.read)
            alive = not rec.archived or rec.lived_at(offer.read)
            bodies = [rec.as_of("hs_note_body", offer.read)]
            bodies += [v.value for v in rec.history.get("hs_note_body", ()) if v.number > offer.read]
            yield Left(
                rec, at, there and at >= latest, alive and at >= earliest,
                self._is_manager(rec, at, offer, parent), frozenset(_plain(one) for one in bodies),
            )  # fmt: skip

    def _by(self, note: Rec) -> str:
        return note["hubspot_owner_id"] or self._owner_of.get(note["hs_created_by_user_id"], "")

    def _is_manager(self, note: Rec, at: int, offer: Offer, parent: Rec) -> bool | None:
        by = self._by(note)
        then, now = set(), set()
        for terms in self._crm.calendar.since(min(at, offer.at)):
            name = role_property(terms, AM, parent)
            versions = parent.history.get(name, ())
            then.add(next((v.value for v in reversed(versions) if v.at <= at), ""))
            now |= {parent.as_of(name, offer.read), *(v.value for v in versions if v.number > offer.read)}
            now |= {terms.stand_ins[AM]} if AM in terms.stand_ins else set()
        if not by or by not in then | now:
            return False
        return True if {by} in (then, now) else None

    def _check_none(self, body: str, shown: Sequence[Shown], left: Iterable[Left], what: str) -> None:
        if (_NONE in body) != (not shown):
            self._find(
                "unexplained", f"{what}: quotes {len(shown)} Notes, and {'says' if shown else 'does not say'} none"
            )
        older = [one for one in left if not one.may and not one.rec.archived]
        if not shown and any(one.must for one in left):
            self._find("missing", f"{what}: no Note is quoted")
        if _ONLY_OLDER in body and not any(not one.must for one in left):
            self._find("unexplained", f"{what}: speaks of older Notes, and there are none")
        sure = [
            one
            for one in older
            if one.rec.number < self._crm.now.number - 1 and one.rec.at < self._crm.now.at - 600_000
        ]
        if not shown and sure and _ONLY_OLDER not in body:
            self._find("missing", f"{what}: does not say that there are only older Notes")

    def _check_shown(self, one: Shown, left: Left | None, what: str) -> None:
        if left is None or not left.may:
            self._find("unexplained", f"{what}: quotes note {one.note}, which is not of this refresh")
            return
        text, cut = one.text.removesuffix(" …"), one.text.endswith(" …")
        files = left.rec["hs_attachment_ids"]
        wanted = {
            each or ("(No text, only files.)" if files else "(This Note has no text: please open it.)")
            for each in left.texts
        }
        if not any(each == one.text or (cut and each.startswith(text)) for each in wanted):
            self._find("unexplained", f"{what}: note {one.note} does not say “{one.text[:60]}”")
        name = self._names.get(self._by(left.rec), "")
        if name and not one.head.startswith(name):
            self._find("unexplained", f"{what}: note {one.note} is {name}'s, not of “{one.head}”")
        if left.manager is not None and left.manager != ("Account Manager" in one.head):
            self._find("unexplained", f"{what}: note {one.note}: “{one.head}” says wrongly whether it is the AM's word")
        count = len(files.split(";")) if files else 0
        if one.files != {0: "", 1: "a"}.get(count, str(count)):
            self._find("unexplained", f"{what}: note {one.note} has {count} files, not “{one.files}”")

    def _check_order(self, shown: Sequence[Left], what: str) -> None:
        """The Account Manager's, then the others', each oldest first."""
        for before, after in pairwise(shown):
            turned = before.manager is False and after.manager is True
            if turned or (before.manager is after.manager is not None and before.place > after.place):
                self._find("unexplained", f"{what}: {before.rec.ref} is quoted before {after.rec.ref}")

    def _check_hidden(self, body: str, shown: Sequence[Shown], left: Mapping[str, Left], what: str) -> None:
        """What is not quoted has no room, and gives way to what goes before it; and how many these are is told."""
        quoted = {one.note for one in shown}
        was_cut = any(one.text.endswith(" …") for one in shown)
        length = sum(len(one.text) for one in shown if not one.text.startswith("(No text, only files"))
        hidden = sorted((one for note, one in left.items() if one.must and note not in quoted), key=_precedence)
        for place, one in enumerate(hidden):
            full = was_cut or len(shown) >= MOST or length + max(map(len, one.texts)) > LONGEST
            gave_way = [
                other
                for each in quoted
                if (other := left[each]).manager is not None is not one.manager
                and _precedence(other) > _precedence(one)
            ]
            if gave_way or (place == 0 and not full):  # after the first that does not fit none is quoted
                self._find("missing", f"{what}: {one.rec.ref} is not quoted")
        found = _MORE.search(body)
        more = 0 if found is None else 1 if found[1] == "One" else int(found[1])
        least = sum(one.must for note, one in left.items() if note not in quoted)
        most = sum(one.may for note, one in left.items() if note not in quoted)
        if shown and not least <= more <= most:
            self._find("unexplained", f"{what}: says that {more} Notes are not quoted, and it is {least} to {most}")


def _precedence(one: Left) -> tuple[bool, int, int]:
    """The Account Manager's go before all others, and newer ones before older."""
    return not one.manager, -one.at, -int(one.rec.ref.id)


def _moment(told: str) -> int:
    return int(told) if told.isdecimal() else round(datetime.fromisoformat(told).timestamp() * 1000)


def _plain(text: str) -> str:
    """What a person reads in the HTML that the people of a story write, on one line."""
    bare = re.sub(r"<[^>]*>", " ", text)
    return " ".join("".join(c for c in html.unescape(bare) if c.isprintable() or c.isspace()).split())
