"""HTML that people wrote, as plain text: nothing of it can act, and its lines stay lines."""

import re
from html.parser import HTMLParser

_LONGEST_INPUT = 200_000
_UNSEEN = frozenset({"script", "style", "head", "title", "template", "noscript", "svg", "math", "iframe", "object"})
_BLOCKS = frozenset(
    {"p", "div", "ul", "ol", "li", "tr", "table", "blockquote", "pre", "hr", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"section", "article", "header", "footer", "dl", "dt", "dd"}
)


def plain_text(html: str) -> str:
    """The text of an HTML fragment: a line for each line that a reader would see, a list's items behind dashes.

    A link keeps its address behind its words, because in a Note the address is often the point. A fragment without any
    tag is text already and keeps its line breaks. The answer is not escaped: whoever puts it into HTML must do that.
    """
    reader = _Reader()
    reader.feed(html[:_LONGEST_INPUT])
    reader.close()
    return reader.text()


def tidy(text: str) -> str:
    """The same text without control characters, trailing spaces and runs of empty lines."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4).replace("\u00a0", " ")
    lines = "\n".join(_printable(line).rstrip() for line in unified.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines).strip("\n")


def _printable(line: str) -> str:
    """The line without what cannot be printed, but for the joiner inside of an emoji."""
    return line if line.isprintable() else "".join(c for c in line if c.isprintable() or c == "\u200d")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines = [""]
        self._source: list[str] = []  # the text as written, for a fragment without tags
        self._tagged = False
        self._unseen: list[str] = []  # the open elements whose content is not shown
        self._preformatted = 0
        self._links: list[tuple[str, list[str]]] = []  # the open links: address, words so far

    def text(self) -> str:
        return tidy("\n".join(line.strip() for line in self._lines) if self._tagged else "".join(self._source)).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._tagged = True
        if tag in _UNSEEN:
            self._unseen.append(tag)
        if self._unseen:
            return
        if tag in _BLOCKS:
            self._end_line()
        if tag == "br":
            self._lines.append("")
        elif tag == "li":
            self._write("- ")
        elif tag in {"td", "th"}:
            self._write(" ")
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "img":
            alt = dict(attrs).get("alt")
            self._write(f"[image: {alt}]" if alt else "[image]")
        elif tag == "a":
            self._links.append(((dict(attrs).get("href") or "").strip(), []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _UNSEEN:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._tagged = True
        if tag in self._unseen:
            del self._unseen[self._unseen.index(tag) :]
        elif self._unseen:
            return
        elif tag in _BLOCKS:
            self._preformatted -= tag == "pre" and self._preformatted > 0
            self._end_line()
        elif tag == "a" and self._links:
            self._end_link()

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        self._source.append(data)
        if self._preformatted:
            first, *others = data.split("\n")
            self._write(first)
            self._lines.extend(others)
        else:
            self._write(re.sub(r"\s+", " ", data))

    def _write(self, text: str) -> None:
        line = self._lines[-1]
        self._lines[-1] = line + (text.lstrip(" ") if line.endswith(" ") else text)
        for _, words in self._links:
            words.append(text)

    def _end_line(self) -> None:
        if self._lines[-1].strip():
            self._lines.append("")

    def _end_link(self) -> None:
        address, parts = self._links.pop()
        words = "".join(parts).strip()
        if re.match(r"(?i)(https?://|mailto:)\S", address) and words not in {address, address.removeprefix("mailto:")}:
            self._write(f" ({address})" if words else address)
