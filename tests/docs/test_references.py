"""What code and pages name is there: documents, links, the rungs of `docs/process.md` and the facts of `docs/hubspot.md`.

A rung is cited as `process.md 1.3` or `rung 1.3`, a fact as `hubspot.md 4.2`, several as `rungs 1.3, 2a.5 and C.2`; a whole
handoff or section as `process.md 5`, `hubspot.md 4`.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"

TEXTS = frozenset({".py", ".md", ".yaml", ".yml", ".toml", ".txt", ".j2", ".json", ".example", ""})
"""Endings of files that may name a document; '' is that of `Procfile`."""

_PATH = re.compile(r"(?<![\w./*-])(?:[\w.-]+/)*[\w.-]*\w")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_ANCHOR = re.compile(r'<a id="([^"]*)"></a>(?:\*\*)?([\w.]+)')
_RUNG = re.compile(r"(?:[1-9]|2a|2b|[NCDPMFWKRLGS])\.[1-9][0-9]*")
_FACT = re.compile(r"[1-9]\.[1-9][0-9]*")

_NUMBER = r"[0-9A-Z][0-9a-z]?\.[0-9]+"
_OR_SECTION = rf"(?:{_NUMBER}|[0-9][a-z]?(?!\w|\.[0-9]))"
_MORE = r"(?:, | and |, and | or )"
CITED_RUNGS = re.compile(
    rf"\bprocess\.md[#,]? ?(?:rungs? )?({_OR_SECTION}(?:{_MORE}{_OR_SECTION})*)|\brungs? ({_NUMBER}(?:{_MORE}{_NUMBER})*)"
)
_CITED_TESTS = re.compile(r"(tests/[\w/]+\.py)::(?:Test\w+::)?(test_\w+)")
_CITED_FACTS = re.compile(rf"\bhubspot\.md[#,]? ?({_OR_SECTION}(?:{_MORE}{_OR_SECTION})*)()")


def _files(root: Path) -> Iterator[Path]:
    """The repository's own texts below `root`, without what tools leave there."""
    for path in sorted(root.iterdir()):
        if path.is_dir():
            if path.name == ".ci" or not path.name.startswith((".", "__pycache__", "build", "dist")):
                yield from _files(path)
        elif path.suffix in TEXTS:
            yield path


FILES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in _files(ROOT)}
PAGES = {name: text for name, text in FILES.items() if name.endswith(".md")}


# -- documents


def documents(text: str) -> set[str]:
    """The documents that a text names: Markdown files by whatever path, and all that begins with `docs/`."""
    found = (match[0].rstrip(".") for match in _PATH.finditer(text) if "://" not in text[: match.start()][-8:])
    return {path for path in found if path.startswith("docs/") or Path(path).suffix == ".md"}


def is_there(path: str, name: str) -> bool:
    """Whether a path named in the file `name` leads to a file, from the root, from `docs/` or from that file."""
    return any((start / path).exists() for start in (ROOT, DOCS, (ROOT / name).parent))


def test_every_document_that_is_named_exists() -> None:
    lost = {(name, path) for name, text in FILES.items() for path in documents(text) if not is_there(path, name)}
    assert not lost


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("as {}.md says", {"{}.md"}),
        ("see docs/{}.md, or `docs/{}/`.", {"docs/{}.md", "docs/{}"}),
        ("[A page](../docs/{}.md#part)", {"../docs/{}.md"}),
        ("https://hubspot.example/docs/{}.md", set()),
        ('glob("*.md")', set()),
        ("tests/docs/{}.py", set()),
    ],
)
def test_what_counts_as_the_name_of_a_document(text: str, named: set[str]) -> None:
    """The names are put in here: written out they would be documents that do not exist."""
    assert documents(text.replace("{}", "guide")) == {path.replace("{}", "guide") for path in named}


# -- links


def anchors(text: str) -> set[str]:
    """What a link into a page may name: its headings, as GitHub makes them to anchors, and its own anchors."""
    found: dict[str, int] = {}
    for line in re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL).splitlines():
        if line.startswith("#"):
            plain = re.sub(r"[^\w -]", "", re.sub(r"<[^>]*>", "", line.lstrip("#").strip()))
            slug = plain.lower().replace(" ", "-")
            found[slug] = found.get(slug, -1) + 1
    again = {f"{slug}-{n}" for slug, more in found.items() for n in range(1, more + 1)}
    return {*found, *again, *(anchor for anchor, _ in _ANCHOR.findall(text))}


def _links(text: str) -> list[str]:
    prose = re.sub(r"^```.*?^```|`[^`\n]*`", "", text, flags=re.MULTILINE | re.DOTALL)
    return [link for link in _LINK.findall(prose) if not re.match(r"[a-z]+:", link)]


@pytest.mark.parametrize("name", PAGES)
def test_every_link_of_a_page_leads_somewhere(name: str) -> None:
    for link in _links(PAGES[name]):
        path, _, part = link.partition("#")
        target = (ROOT / name).parent / path if path else ROOT / name
        assert target.exists(), link
        if part:
            assert part in anchors(target.read_text(encoding="utf-8")), link


def test_an_anchor_is_a_heading_as_github_writes_it() -> None:
    text = '# 1 · The *first*, really\n## Twice\n## Twice\n```sh\n# no heading\n```\n<a id="C.1"></a>C.1'
    assert anchors(text) == {"1--the-first-really", "twice", "twice-1", "C.1"}


# -- numbers


def numbers(page: str) -> list[tuple[str, str]]:
    """Each numbered line of a page: its anchor, and the number that a reader sees."""
    return _ANCHOR.findall(FILES[page])


def _with_sections(page: str) -> set[str]:
    found = {number for number, _ in numbers(page)}
    return found | {number.partition(".")[0] for number in found}


RUNGS = _with_sections("docs/process.md")
FACTS = _with_sections("docs/hubspot.md")


@pytest.mark.parametrize(("page", "form"), [("docs/process.md", _RUNG), ("docs/hubspot.md", _FACT)])
def test_numbers_are_well_formed_and_given_once(page: str, form: re.Pattern[str]) -> None:
    found = numbers(page)
    assert found
    for anchor, shown in found:
        assert anchor == shown.rstrip("."), "the anchor and what is read must be the same"
        assert form.fullmatch(anchor), anchor
    given = [anchor for anchor, _ in found]
    assert sorted(given) == sorted(set(given)), "a number is given once"


@pytest.mark.parametrize("page", ["docs/process.md", "docs/hubspot.md"])
def test_no_number_is_left_out(page: str) -> None:
    """A number that is not needed any more stays on its page as retired, so that nobody gives it again."""
    sections: dict[str, set[int]] = {}
    for anchor, _ in numbers(page):
        section, _, number = anchor.partition(".")
        sections.setdefault(section, set()).add(int(number))
    assert {section: max(found) for section, found in sections.items() if found != set(range(1, max(found) + 1))} == {}


def cited(text: str, pattern: re.Pattern[str]) -> set[str]:
    """The numbers that a text cites, over the ends of lines and the marks of comments."""
    joined = re.sub(r"\s*\n\s*(?:#:?\s+)?", " ", text)
    found = (several for pair in pattern.findall(joined) for several in pair)
    return {number for several in found for number in re.findall(_OR_SECTION, several)}


def test_every_rung_that_is_cited_exists() -> None:
    lost = {(name, number) for name, text in FILES.items() for number in cited(text, CITED_RUNGS) - RUNGS}
    assert not lost


def test_every_fact_that_is_cited_exists() -> None:
    lost = {(name, number) for name, text in FILES.items() for number in cited(text, _CITED_FACTS) - FACTS}
    assert not lost


def test_every_test_that_a_page_cites_exists() -> None:
    """As `tests/…/test_x.py::test_it_holds`, with or without its class."""
    lost = {
        (name, f"{file}::{test}")
        for name, text in PAGES.items()
        for file, test in _CITED_TESTS.findall(text)
        if f"def {test}(" not in FILES.get(file, "")
    }
    assert not lost


@pytest.mark.parametrize(("page", "known"), [("docs/process.md", RUNGS), ("docs/hubspot.md", FACTS)])
def test_a_page_cites_its_own_numbers(page: str, known: set[str]) -> None:
    """Within the page the bare number is a citation: `(P.2)`, `see 9.1`."""
    sections = {number.partition(".")[0] for number in known}
    named = set(re.findall(rf"(?<![\w.]){_NUMBER}(?![.\w]*\w)", FILES[page]))
    assert {number for number in named if number.partition(".")[0] in sections} <= known


@pytest.mark.parametrize(
    ("text", "numbers_cited"),
    [
        ("(docs/process.md 1.3)", {"1.3"}),
        ("process.md, 2a.5 and C.2", {"2a.5", "C.2"}),
        ("process.md#8.3", {"8.3"}),
        ("# by rungs\n    # 1.3, 1.4", {"1.3", "1.4"}),
        ("docs/process.md 5, and 8.", {"5", "8"}),
        ("the rungs of a ladder", set()),
    ],
)
def test_how_a_rung_is_cited(text: str, numbers_cited: set[str]) -> None:
    assert cited(text, CITED_RUNGS) == numbers_cited
