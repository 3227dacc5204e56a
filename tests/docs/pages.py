"""The pages of `docs/` as a test reads them: blocks of commands in order, with what they print.

A block of commands is fenced as ```sh, a command a line, and the block that follows it fenced as ```text quotes what its
last command prints: each line must appear, in that order; `…` stands for anything. A comment before a block says what a
reader need not know, as `<!-- test: exit 1; answer y -->`:

    given NAME    what has happened meanwhile: a situation of `SITUATIONS`, or several, as `NAME + NAME`
    exit CODE     how the last command ends; 0 if nothing is said
    answer TEXT   what a person at the terminal answers it
    serve, stop   the command starts the service, which goes on; or the service ends before it
    board         the command serves the board
    sandbox       the command starts the simulated HubSpot, or (`sandbox serve`) the service beside it, each by its own lines
    set-up        CONTRIBUTING.md alone: compared with the README's command, which CI runs
    file NAME     a ```yaml block is saved as this file

A drawing is fenced as ```mermaid: it prints nothing, and what it names must exist.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGES = sorted(DOCS.glob("*.md"))

_MARK = re.compile(r"<!-- test: (.*) -->")
_WORDS = frozenset({"set-up", "sandbox", "given", "exit", "answer", "serve", "stop", "file", "board"})
LANGUAGES = frozenset({"mermaid", "sh", "text", "yaml"})


class PageError(Exception):
    """A page says something that no test would see."""


@dataclass
class Block:
    """Some command lines (or, with `file`, a file's content), what is said of them, and what they print."""

    line: int  # of the page, counted from 1
    lines: list[str]
    marks: dict[str, str] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)


def blocks(text: str) -> list[Block]:
    """The blocks of a page, in order. Raises `PageError` for a fence or a mark that would be passed over."""
    found: list[Block] = []
    marks: dict[str, str] = {}
    for number, language, lines in _parts(text):
        if language == "mark":
            marks = _marks(number, lines[0])
        elif language == "sh":
            found.append(Block(number, _joined(lines), marks))
            marks = {}
        elif language == "text":
            if not found or found[-1].shown:
                raise PageError(f"line {number}: no command prints this")
            found[-1].shown = lines
        elif language == "yaml":
            if "file" not in marks:
                raise PageError(f"line {number}: say what file this is, as <!-- test: file NAME -->")
            found.append(Block(number, lines, marks))
            marks = {}
        elif language != "mermaid":
            raise PageError(f"line {number}: a fence of {language or 'nothing'}: use {', '.join(sorted(LANGUAGES))}")
    if marks:
        raise PageError(f"a mark stands before nothing: {marks}")
    return found


def drawings(text: str) -> list[str]:
    """The drawings of a page, as they are written."""
    return ["\n".join(lines) for _, language, lines in _parts(text) if language == "mermaid"]


def _parts(text: str) -> Iterator[tuple[int, str, list[str]]]:
    """(line, language, lines) of each fence, and (line, `mark`, [marks]) of each mark."""
    fence: list[str] | None = None
    start, language = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            if fence is None:
                start, language, fence = number, line.strip().removeprefix("```"), []
            else:
                yield start, language, fence
                fence = None
        elif fence is not None:
            fence.append(line)
        elif mark := _MARK.fullmatch(line.strip()):
            yield number, "mark", [mark[1]]
        elif "<!--" in line:
            raise PageError(f"line {number}: not understood: {line}")
    if fence is not None:
        raise PageError(f"line {start}: a fence without an end")


def _marks(number: int, text: str) -> dict[str, str]:
    marks = dict((part.strip() + " ").split(" ", 1) for part in text.split(";"))
    unknown = set(marks) - _WORDS
    if unknown:
        raise PageError(f"line {number}: nobody knows the mark {', '.join(sorted(unknown))}")
    return {word: value.strip() for word, value in marks.items()}


def _joined(lines: list[str]) -> list[str]:
    """Command lines, those that end in a backslash with their next; comments and empty lines are none."""
    whole = re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines()
    return [line.strip() for line in whole if line.strip() and not line.strip().startswith("#")]


def missing(shown: list[str], printed: str) -> list[str]:
    """The quoted lines that were not printed, in their order. Times of day are compared by their form alone."""
    rest = _plain(printed)
    lost = []
    for line in shown:
        wanted = _plain(line).strip()
        if wanted in {"", "…"}:
            continue
        pattern = r"\s*" + ".*".join(re.escape(part) for part in wanted.split("…")) + r"\s*$"
        match = re.search("^" + pattern, rest, re.MULTILINE)
        if match is None:
            lost.append(line)
        else:
            rest = rest[match.end() :]
    return lost


def _plain(text: str) -> str:
    return re.sub(r"\b\d\d:\d\d\b", "00:00", text)


INLINE = re.compile(r"`handoffs ((?:[^`]|\n)+)`")


def mentioned(text: str) -> list[str]:
    """The commands that the running text names, without fences."""
    prose = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    return [" ".join(one.split()) for one in INLINE.findall(prose)]
