"""The mark at the end of a task's body that carries the key of the effect which made the task. Pure.

    mark  = "[handoff " key " " check "]"
    check = the first 8 hexadecimal digits of the key's SHA-256

It is where a portal takes no property of its own for tasks (`task.key_carrier: body` in the mapping). The key stands in it
whole, because after a lost database nothing else tells what was done. People edit the text around it and editors write the
HTML otherwise, so it is read as a person sees it, without regard to tags and white space; what is cut or changed fails the
check and is no mark. Its form is as frozen as the keys are (`keys`). Why it is so: docs/adr/0012-keys-in-bodies.md.
"""

import hashlib
import re
from html import escape, unescape
from typing import Final

from mappings.names import as_seen

_CHECK: Final = 8
_TAG: Final = re.compile(r"<[^>]*>")
_SEEN: Final = re.compile(r"\[ ?handoff ([^\[\]]+)\]")
_WRITTEN: Final = re.compile(r"\[handoff [^\[\]<>]+\]")
_PARAGRAPH: Final = re.compile(r"<p[^>]*>\s*(?:<span[^>]*>\s*)?\[handoff [^\[\]<>]+\](?:\s*</span>)?\s*</p>")


def mark_of(key: str) -> str:
    """Write the mark of a key as HTML: a last line, small and pale."""
    return f'<p style="color:#99acc2;font-size:8px">[handoff {escape(key)} {_check(key)}]</p>'


def marks_in(body: str) -> tuple[str, ...]:
    """Read the keys of the whole marks in a body, each once, in their order."""
    if "[" not in body:
        return ()
    text = as_seen(unescape(_TAG.sub("", body)))
    found = ("".join(inside.split()) for inside in _SEEN.findall(text))
    return tuple(
        dict.fromkeys(one[:-_CHECK] for one in found if one[:-_CHECK] and one[-_CHECK:] == _check(one[:-_CHECK]))
    )


def without_marks(html: str) -> str:
    """Give the HTML without any mark: a text that quotes another task's body must not speak for that task."""
    return _WRITTEN.sub("", _PARAGRAPH.sub("", html))


def with_mark(body: str, key: str) -> str:
    """Give the body of a new task with its mark."""
    return without_marks(body) + mark_of(key)


def with_line(body: str, line: str) -> str:
    """Give the body with a line (HTML) added: all that stands in it is kept, and its marks stay last."""
    kept = marks_in(body)
    if not kept:
        return body + without_marks(line)
    return without_marks(body) + without_marks(line) + "".join(map(mark_of, kept))


def _check(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:_CHECK]
