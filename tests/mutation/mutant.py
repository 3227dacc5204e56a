"""One fault: where it is planted, and who finds it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mutant:
    """A fault of one small step, as somebody might make it.

    `find` stands exactly once in `file`; `replace` takes its place. `first` are tries (see `hunt`) that are known to
    find it, played before the others. `test` (a pytest node id) must find it where no try does. `why` says why none can:
    then none is played.
    """

    id: str
    fault: str
    file: str
    find: str
    replace: str
    first: tuple[str, ...] = ()
    test: str = ""
    why: str = ""

    def planted(self, text: str) -> str:
        """The file's text with the fault in it. `ValueError` where what it replaces is gone, or stands there twice."""
        count = text.count(self.find)
        if count != 1:
            raise ValueError(f"mutant {self.id}: its text stands {count} times in {self.file}, not once: {self.find!r}")
        return text.replace(self.find, self.replace)
