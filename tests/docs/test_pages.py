"""The pages of `docs/` cannot rot: each command line is run, in its page's order, and says what the page quotes."""

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from sync.cli import main
from tests.docs.pages import DOCS, PAGES, Block, PageError, blocks, drawings, mentioned, missing
from tests.docs.situations import SITUATIONS
from tests.docs.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    made = Workspace(tmp_path, monkeypatch)
    yield made
    made.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_each_command_of_a_page_does_what_the_page_says(workspace: Workspace, page: Path) -> None:
    for block in blocks(page.read_text(encoding="utf-8")):
        _read_out(workspace, block, f"{page.name}:{block.line}")


def _read_out(workspace: Workspace, block: Block, place: str) -> None:
    marks = block.marks
    if "stop" in marks:
        workspace.stop()
    for situation in marks.get("given", "").split(" + "):
        if situation:
            SITUATIONS[situation](workspace)
    if "file" in marks:
        (workspace.directory / marks["file"]).write_text("\n".join(block.lines) + "\n", encoding="utf-8")
        return
    if "serve" in marks:
        assert block.lines == ["handoffs serve"], f"{place}: only `handoffs serve` is started so"
        workspace.serve()
        return
    if "board" in marks:
        assert block.lines == ["handoffs board"], f"{place}: only `handoffs board` is started so"
        workspace.open_board()
        return
    if "sandbox" in marks:
        assert len(block.lines) == 1, f"{place}: one command is started so"
        workspace.start_beside(block.lines[0])
        return
    for n, line in enumerate(block.lines, 1):
        result = workspace.run(line, answer=marks.get("answer"))
        wanted = int(marks.get("exit", 0)) if n == len(block.lines) else 0
        assert result.code == wanted, f"{place}: {line}\n{result.text}"
    assert not missing(block.shown, result.text), f"{place} quotes what was not printed:\n{result.text}"


# -- nothing is passed over


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_fence_of_a_page_is_one_that_is_run_or_compared(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    found = blocks(text)
    fences = re.findall(r"^ *```(\w+)", text, re.MULTILINE)
    assert len(found) == fences.count("sh") + fences.count("yaml")
    assert sum(bool(block.shown) for block in found) == fences.count("text")
    assert all(block.lines for block in found)


def test_what_a_drawing_namesexists() -> None:
    named = {
        place.rstrip("/")
        for page in PAGES
        for drawing in drawings(page.read_text(encoding="utf-8"))
        for place in re.findall(r"(?:sync|webhooks|mappings)/[a-z_/]*", drawing)
    }
    assert len(named) > 10
    assert {
        place for place in named if not (DOCS.parent / place).exists() and not (DOCS.parent / f"{place}.py").exists()
    } == set()


@pytest.mark.parametrize(
    "text",
    [
        "```bash\nhandoffs sweep\n```",
        "```\nhandoffs sweep\n```",
        "```text\nAll is well.\n```",
        "```yaml\nrules: {}\n```",
        "```sh\nhandoffs sweep",
        "<!-- test: exits 1 -->\n```sh\nhandoffs sweep\n```",
        "<!-- test exit 1 -->\n```sh\nhandoffs sweep\n```\n<!-- test: skip -->",
        "<!--test: exit 1-->\n```sh\nhandoffs sweep\n```",
        "```sh\nhandoffs sweep\n```\n<!-- test: exit 1 -->",
    ],
)
def test_a_block_that_no_test_would_see_is_an_error(text: str) -> None:
    with pytest.raises(PageError):
        blocks(text)


def test_what_is_quoted_must_be_printed_line_by_line_and_in_order() -> None:
    printed = "one 09:00\n  two three\nfour\n"
    assert missing(["one 10:30", "…", "two…ee", "four"], printed) == []
    assert missing(["four", "one 09:00"], printed) == ["one 09:00"]
    assert missing(["two"], printed) == ["two"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_that_the_text_names_exists_with_its_options(page: Path) -> None:
    for command in mentioned(page.read_text(encoding="utf-8")):
        exists(command)


def exists(text: str) -> None:
    found: click.Command = main
    words = text.split()
    while words and isinstance(found, click.Group) and not words[0].startswith("-"):
        child = found.get_command(click.Context(found), words.pop(0))
        assert child is not None, text
        found = child
    known = {option for parameter in found.params for option in parameter.opts} | {"--help"}
    assert {word for word in words if word.startswith("--")} <= known, text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text(encoding="utf-8")):
        name, _, part = target.partition("#")
        if name.endswith(".png"):
            assert (DOCS / name).stat().st_size < 150_000, f"{target}: a page is read on a phone, too"
            continue
        text = (DOCS / name if name else page).read_text(encoding="utf-8")
        headings = {
            re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
            for line in text.splitlines()
            if line.startswith("#")
        }
        assert not part or part in headings, target
