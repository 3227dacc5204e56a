"""Text on a stream that cannot print all of it: “quotes”, arrows and accents become what the stream has.

Whoever works in a locale of old (`LC_ALL=en_US.ISO-8859-1`, a serial console, cron's own) reads plain quotes there, and
meets no error.
"""

import codecs
import sys
import unicodedata
from collections.abc import Mapping
from io import TextIOWrapper
from typing import Any, TextIO

PLAIN: Mapping[str, str] = {
    "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "…": "...", "→": "->", "←": "<-", "–": "-", "—": "-", "−": "-",
    "×": "x", "·": "-", "•": "*", "≤": "<=", "≥": ">=", "✓": "OK", "€": "EUR", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l",
    "Ł": "L", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "đ": "d", "Đ": "D", "ı": "i",
    **dict.fromkeys("─━┄┈╌╍", "-"), **dict.fromkeys("│┃", "|"),
}  # fmt: skip
"""What stands for a character that a stream cannot print; of any other the letter without its accent, or `?`."""

_ERRORS = "handoffs-plain"
_CODEC = "handoffs_ascii"


def speaks_unicode(stream: TextIO) -> bool:
    """Tell whether a stream takes every character."""
    encoding = getattr(stream, "encoding", None) or "ascii"
    return codecs.lookup(encoding).name.startswith("utf")


def plain(text: str) -> str:
    """Write a text in ASCII."""
    return "".join(letter if letter.isascii() else _plain_letter(letter) for letter in text)


def make_plain(*streams: TextIO) -> None:
    """Let these streams print plain characters in place of those that they cannot; others they print as before."""
    codecs.register_error(_ERRORS, _replace)
    for stream in streams:
        if isinstance(stream, TextIOWrapper) and not speaks_unicode(stream):
            if codecs.lookup(stream.encoding).name == "ascii":
                # By a name of its own: click takes a stream that calls itself ASCII for a mistake, and prints UTF-8 there.
                codecs.register(_find)
                stream.reconfigure(encoding=_CODEC)
            else:
                stream.reconfigure(errors=_ERRORS)


def make_output_plain() -> None:
    """Do so for what this process prints."""
    make_plain(sys.stdout, sys.stderr)


def _plain_letter(letter: str) -> str:
    known = PLAIN.get(letter)
    if known is not None:
        return known
    base = "".join(part for part in unicodedata.normalize("NFKD", letter) if part.isascii())
    return base or ("" if unicodedata.combining(letter) else "?")


def _replace(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return plain(error.object[error.start : error.end]), error.end


def _encode(text: str, _errors: str = "strict") -> tuple[bytes, int]:
    return plain(text).encode("ascii"), len(text)


class _Encoder(codecs.IncrementalEncoder):
    def encode(self, text: str, final: bool = False) -> bytes:  # noqa: ARG002 - the codecs' own signature
        return _encode(text)[0]


def _find(name: str) -> Any:
    if name != _CODEC:
        return None
    of_ascii = codecs.lookup("ascii")
    return codecs.CodecInfo(
        _encode, of_ascii.decode, of_ascii.streamreader, of_ascii.streamwriter, _Encoder, of_ascii.incrementaldecoder,
        name=_CODEC,
    )  # fmt: skip
