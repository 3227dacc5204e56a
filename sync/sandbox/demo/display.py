"""How the demo looks: coloured in a terminal, plain when piped, 80 columns at most, ASCII where nothing else can be shown."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from html import unescape
from itertools import groupby
from typing import TextIO

from rich import box
from rich.console import Console, RenderableType
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from sync.sandbox.demo.witness import Change, Mail, News, Task
from sync.sandbox.process import Names

WIDTH = 80
_TEXT = 5  # the column where sentences begin, after the handoff's number
_NEWS = 16  # the column where what the service did begins, after the word for it

_SILENT = "silent"
_NO_BREAK = "\u2800"
"""A blank that is no white space to rich, which breaks lines even at a no-break space."""

_ASCII = str.maketrans({"“": '"', "”": '"', "’": "'", "–": "-", "—": "-", "…": "...", "→": "->", "·": "-", "×": "x"})

_COLOURS = {"AM": "cyan", "SAS": "magenta", "Copywriter": "yellow", "Designer": "blue"}


class Screen:
    """Prints the story. `out` None: standard output."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._console = Console(file=out, highlight=False, emoji=False, markup=False)
        self._console.width = min(WIDTH, self._console.width)
        self._ascii = not self._console.encoding.startswith("utf")
        self._open_line = False  # something was printed since the last empty line

    # --- the story

    def title(self, text: str, *lines: str) -> None:
        self._print(Text(self._fit(text), "bold"))
        self.gap()
        for line in lines:
            self._hang(Text(), line, 0)
        self.gap()

    def day(self, day: date, remark: str) -> None:
        self.gap()
        title = Text.assemble(self._text(day_name(day), "bold green"), self._text(f" · {remark}"))
        self._print(Rule(title, align="left", style="dim"))

    def handoff(self, number: str, name: str, way: str) -> None:
        """A heading: the handoff's number in the article, its name, and from whom to whom it goes."""
        self.gap()
        badge = Text(f" {number:<2} ", "bold reverse")
        self._hang(Text.assemble(badge, " "), f"{name} · {way}", _TEXT, style="bold")

    def act(self, who: str, role: str, text: str) -> None:
        """What a person does."""
        name = self._text(f"{who} ({role}) ", f"bold {_COLOURS.get(role, 'white')}")
        self._hang(Text(" " * _TEXT), text, _TEXT, lead=name)

    def say(self, text: str) -> None:
        self._hang(Text(" " * _TEXT), text, _TEXT)

    def silence(self, text: str) -> None:
        """What did not happen, as it should."""
        self._line(_SILENT, text, "dim")

    def news(self, news: News, names: Names) -> None:
        """What the service did."""
        for sentence in _moves(news.changes, names):
            self._line(*sentence, "bold yellow")
        for task in news.tasks:
            self._line("task", _told_task(task), "bold green")
        for task in news.closed:
            self._line("closed", f"“{task.subject}”: {_why(task)}", "bold green")
        for mail in news.mails:
            self._line("email", _told_mail(mail), "bold blue")

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """A spinner in a terminal; nothing elsewhere."""
        if not self._console.is_terminal:
            yield
            return
        with self._console.status(self._text(text, "dim"), spinner="line" if self._ascii else "dots"):
            yield

    # --- the end

    def table(self, headings: Sequence[str], rows: Iterable[Sequence[str]], total: Sequence[str]) -> None:
        """The first two columns and the next to last hold words, the others numbers."""
        self.gap()
        table = Table(box=box.HORIZONTALS, padding=(0, 1, 0, 0), header_style="bold", expand=False, show_footer=True)
        for place, (heading, foot) in enumerate(zip(headings, total, strict=True)):
            words = place < 2 or place == len(headings) - 2
            table.add_column(
                self._fit(heading), self._text(foot, "bold"), justify="left" if words else "right", no_wrap=not words
            )
        for row in rows:
            table.add_row(*(self._text(cell) for cell in row))
        self._print(table)

    def sentence(self, text: str) -> None:
        self._hang(Text(), text, 0)

    def passed(self, text: str) -> None:
        self.gap()
        self._hang(Text("OK ", "bold green"), text, 3)

    def failed(self, text: str, differences: Sequence[str]) -> None:
        self.gap()
        self._hang(Text("FAILED ", "bold red"), text, 7)
        for difference in differences:
            self._hang(Text("  - ", "red"), difference, 4)

    def gap(self) -> None:
        """An empty line, unless there is one already."""
        if self._open_line:
            self._console.print()
            self._open_line = False

    # --- inside

    def _line(self, word: str, text: str, style: str) -> None:
        arrow = Text(" " * (_TEXT + 1)).append(self._fit("· " if word == _SILENT else "→ "), "dim")
        self._hang(arrow.append(word, style), text, _NEWS)

    def _hang(self, prefix: Text, text: str, indent: int, *, lead: Text | None = None, style: str = "") -> None:
        """A paragraph whose first line begins with `prefix`, and whose others are indented as far."""
        body = Text.assemble(lead or "", self._text(text, style))
        body.highlight_regex(r"“[^”]*”|\"[^\"]*\"", "italic")
        prefix.pad_right(indent - prefix.cell_len)
        for line in body.wrap(self._console, max(20, self._console.width - indent)):
            line.rstrip()
            line.plain = line.plain.replace(_NO_BREAK, " ")
            self._print(Text.assemble(prefix, line))
            prefix = Text(" " * indent)

    def _print(self, what: RenderableType) -> None:
        self._open_line = True
        if self._console.is_terminal:
            self._console.print(what)
            return
        with self._console.capture() as capture:
            self._console.print(what)
        for line in capture.get().splitlines():
            self._console.out(line.rstrip(), highlight=False)

    def _text(self, text: str, style: str = "") -> Text:
        return Text(self._fit(text), style)

    def _fit(self, text: str) -> str:
        """The text in what the output can show."""
        if not self._ascii:
            return text
        return re.sub(rf"[^\x00-\x7f{_NO_BREAK}]", "?", text.translate(_ASCII))


def day_name(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


def short_day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _together(text: str) -> str:
    """The text with spaces at which no line breaks."""
    return text.replace(" ", _NO_BREAK)


def _told_task(task: Task) -> str:
    due = "" if task.due is None else f", due {_together(f'{task.due.day} {task.due:%b}')}"
    return f"“{task.subject}” for {task.owner}{due}"


def _told_mail(mail: Mail) -> str:
    return f"to {mail.to}: “{mail.subject}”"


def _why(task: Task) -> str:
    """The last line of the task's body, where the service says why it closed it."""
    lines = re.findall(r"<p>(.*?)</p>", task.body)
    return unescape(re.sub(r"<[^>]+>", "", lines[-1])) if lines else "no reason given"


def _moves(changes: Iterable[Change], names: Names) -> Iterator[tuple[str, str]]:
    """One line for each write: what came with one timestamp on one record was one write."""
    for (kind, _, _), group in groupby(changes, key=lambda change: (change.kind, change.record, change.at)):
        write = {change.property: change for change in group}
        if kind == "ticket":
            told = ", ".join(_told_ticket(change, names) for change in write.values())
            yield "ticket", f"“{next(iter(write.values())).of}”: {told}"
            continue
        status, moved = write.get(names.status), write.get(names.date)
        if moved is not None:
            emptied = "" if status is None else f"; in the same write the status → {status.after or 'empty'}"
            yield "date", f"{_day_of(moved.before)} → {_day_of(moved.after)}{emptied}"
        elif status is not None:
            yield "status", f"{status.before or 'empty'} → {status.after or 'empty'}"


def _told_ticket(change: Change, names: Names) -> str:
    label = {
        names.needs_revisions: "Needs Revisions",
        names.copy_approval: "Copy Approval",
        names.graphic_approval: "Graphic Approval",
        "hs_pipeline_stage": "stage",
    }.get(change.property, change.property)
    shown = dict(names.stages).get(change.after, change.after)
    return f"{label} emptied" if not shown else f"{label} set to {shown}"


def _day_of(value: str) -> str:
    return _together(day_name(date.fromisoformat(value))) if value else "empty"
