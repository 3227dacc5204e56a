"""Names as people paste them: from a Mac, a document, a chat. Other characters each time, and the same to read."""

import random
import re
import unicodedata

_WORDS = re.compile(r"\s*(set \d+|renamed)\s*", re.IGNORECASE)
_DASHES, _APOSTROPHES = "-‐‑‒–—−", "'‘’´ʼ"
_SPACES = (" ", "  ", "\u00a0", "\u2009", " \t")
_INVISIBLE = ("\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\ufe0f", "\u200e")
_FULL_WIDTH = {ord(digit): ord(digit) + 0xFEE0 for digit in "0123456789"}


def pasted(rng: random.Random, folder: str) -> str:
    """A spelling of this folder's name, which gets an accent, an apostrophe and a dash to be spelled; none stays none."""
    if not folder.strip():
        return folder
    if _WORDS.fullmatch(folder):
        folder = f"Été d'hiver - {folder}"
    if rng.random() < 0.4:
        return folder
    text = "".join(_spelled(rng, letter) for letter in unicodedata.normalize(rng.choice(("NFC", "NFD")), folder))
    if rng.random() < 0.3:
        text = text.translate(_FULL_WIDTH)
    if rng.random() < 0.3:
        text = rng.choice((text.upper(), text.lower()))
    if rng.random() < 0.5:
        place = rng.randint(0, len(text))
        text = text[:place] + rng.choice(_INVISIBLE) + text[place:]
    return text


def _spelled(rng: random.Random, letter: str) -> str:
    if letter in _DASHES:
        return rng.choice(_DASHES)
    if letter in _APOSTROPHES:
        return rng.choice(_APOSTROPHES)
    return rng.choice(_SPACES) if letter == " " else letter
