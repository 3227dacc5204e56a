"""Do the mapping's own texts call things as people see them here? The packaged ones take the portal's words by themselves."""

import re
from collections.abc import Iterator, Mapping
from html import unescape

from mappings.load import load
from mappings.names import same_to_the_eye
from mappings.schema import ProcessMapping
from mappings.words import words_of
from sync.admin.check.deployment import Deployment, Misfits, Path, SkippedError
from sync.crm import Kind
from sync.errors import MappingMisfitError
from sync.passes.portal import find_pipeline, find_stage, read_definitions
from sync.passes.words import labels_of, words_in

_IN_QUOTES_ONLY = {"approved"}
"""Words of everyday language: they count where they stand in quotes."""


def compare(deployment: Deployment, misfits: Misfits) -> str:
    """Note each word of the packaged process that an own text uses, and that people here see another word for."""
    own = [(key, text) for key, text in _texts(deployment.mapping) if text not in _packaged_texts()]
    if not own:
        return "the packaged ones, in the portal's words"
    if not deployment.fits:
        raise SkippedError
    words = _words_here(deployment)
    old = words_of(load())
    for key, text in own:
        for word in _old_words(text, old, words):
            misfits.warning(
                key,
                f"says “{old[word]}”, which people here see as “{words[word]}”",
                f"write {{{{ words.{word} }}}}, which is always the word that they see",
            )
    return f"{len(own)} of your own" if len(own) > 1 else "one of your own"


def _words_here(deployment: Deployment) -> dict[str, str]:
    mapping, crm = deployment.mapping, deployment.crm
    known = {kind: read_definitions(crm, mapping, kind) for kind in (Kind.PORTFOLIO, Kind.TICKET)}
    try:
        pipeline = find_pipeline(mapping.ticket.pipeline, crm.pipelines())
        stages = {
            key: find_stage(name, pipeline, f"ticket.{key}")
            for key, name in (
                ("in_progress", mapping.ticket.in_progress),
                ("pending_approval", mapping.ticket.pending_approval),
            )
        }
    except MappingMisfitError:  # it is a misfit of the pipeline already
        raise SkippedError from None
    return words_of(mapping) | words_in(mapping, known, crm.label(Kind.PORTFOLIO)) | labels_of(stages)


def _texts(mapping: ProcessMapping) -> Iterator[tuple[Path, str]]:
    for kind, task in mapping.tasks.items():
        yield ("tasks", kind.value, "subject"), task.subject
        yield ("tasks", kind.value, "body"), task.body
    yield ("notes_line",), mapping.notes_line
    yield ("closing_line",), mapping.closing_line
    for email, texts in mapping.emails.items():
        yield ("emails", email.value, "subject"), texts.subject
        yield ("emails", email.value, "body"), texts.body


def _packaged_texts() -> set[str]:
    return {text for _, text in _texts(load())}


def _old_words(text: str, old: Mapping[str, str], words: Mapping[str, str]) -> Iterator[str]:
    """The keys of the old words in a text that are nobody's any more; a word within a longer one is not looked at."""
    plain = " ".join(unescape(text).split())
    for key in sorted(old, key=lambda key: -len(old[key])):
        pattern = rf"(?<!\w){re.escape(old[key])}(?!\w)"
        if key in _IN_QUOTES_ONLY:
            pattern = rf"(?<=[“\"']){re.escape(old[key])}(?=[”\"'])"
        plain, times = re.subn(pattern, "\n", plain)
        if times and not any(same_to_the_eye(old[key], word) for word in words.values()):
            yield key
