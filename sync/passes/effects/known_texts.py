"""The texts of every mapping that a pass has gone by: what was tried under another one is known again by its words."""

import json
import re
from collections.abc import Iterator

from pydantic import ValidationError

from mappings.problems import MappingError
from mappings.schema import ProcessMapping
from mappings.texts import Context, Texts
from mappings.vocabulary import TaskKind
from sync.storage import mapping_texts
from sync.storage.database import Store

_KEPT_TIME = re.compile(r'"(\d\d:\d\d):00"')
"""A time of day as it is kept; a mapping is written without seconds."""


class KnownTexts:
    """Reads the earlier ones when they are asked for: that is seldom."""

    def __init__(self, store: Store, mapping: ProcessMapping) -> None:
        self._store = store
        self._mapping = mapping
        self._all: list[Texts] | None = None

    def notes_lines(self, context: Context) -> Iterator[str]:
        """What is, or was, added to a task for these Notes: by each mapping that can say it."""
        for texts in self._known():
            try:
                yield texts.notes_line(context)
            except MappingError:
                continue  # today's is told of when it is tried again

    def is_subject_of(self, kind: TaskKind, subject: str) -> bool:
        """Whether a task with this subject can be one of this kind, by any of them."""
        return any(texts.is_subject_of(kind, subject) for texts in self._known())

    def _known(self) -> list[Texts]:
        if self._all is None:
            with self._store.read() as connection:
                kept = mapping_texts.every(connection)
            self._all = [Texts(self._mapping), *(Texts(self._read(one)) for one in kept)]
        return self._all

    def _read(self, text: str) -> ProcessMapping:
        """A mapping as it was kept; of one that an earlier release wrote in another form today's, with its line for Notes."""
        try:
            return ProcessMapping.model_validate_json(_KEPT_TIME.sub(r'"\1"', text))
        except ValidationError:
            line = json.loads(text).get("notes_line", self._mapping.notes_line)
            return self._mapping.model_copy(update={"notes_line": line})
