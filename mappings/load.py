"""A mapping file → a `ProcessMapping`, or everything that is wrong with it at once.

The file is read as a tree that keeps every line, laid over the packaged default, checked as a whole, and its texts are
rehearsed. Values are taken as they are written: YAML's guesses (`No`, `17:00`, `1`) are reported where a text is meant.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Any, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from mappings.problems import MappingError, Problem
from mappings.rehearsal import LETTER, TextKind, faults
from mappings.schema import SEVERAL, ProcessMapping
from mappings.vocabulary import EmailKind, Revision, Status, TaskKind

__all__ = ["MappingError", "Place", "Places", "Problem", "load", "places"]

DEFAULT = "creative_refresh.yaml"

_REPLACED = {("cadence", "values")}
"""The sections that a custom mapping replaces as a whole."""

_TEMPLATE_FILE = re.compile(r"[^\s{}]+\.j2")
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load(path: Path | None = None) -> ProcessMapping:
    """The mapping in the file, completed by the packaged default; None is that default alone.

    Raises `MappingError` with every problem found: file, line, key, and what to write instead.
    """
    package = resources.files("mappings")
    tree, problems = _laid_over(path, package)
    problems += _bring_in_files(tree, package)
    problems += _rehearsed(tree)
    try:
        mapping = ProcessMapping.model_validate(_plain(tree))
    except ValidationError as error:
        for details in error.errors(include_url=False):
            problems += _explained(details, tree)
    if problems:
        raise MappingError(sorted(dict.fromkeys(problems), key=lambda problem: (problem.file, problem.line or 0)))
    return mapping


# --- where things stand ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """Where the value that counts stands. `file` is the admin's path or, `packaged`, the default's bare name.

    `line` counts from 1 and is the key's, or that of the nearest section above it where the key stands nowhere.
    """

    file: str
    line: int
    key: str
    packaged: bool

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.key}"


class Places:
    """The place of every key of a mapping, in the admin's file or in the packaged default."""

    def __init__(self, tree: "_Node", default: str) -> None:
        self._tree, self._default = tree, default

    def of(self, *path: str | int) -> Place:
        """The place of a key, given part by part: `of("portfolio", "condition", 0, "property")`."""
        above = (_at(self._tree, path[:end]) for end in range(len(path), 0, -1))
        node = next((node for node in above if node is not None), self._tree)
        packaged = node.file == self._default
        return Place(DEFAULT if packaged else node.file, node.line, ".".join(map(str, path)), packaged)


def places(path: Path | None = None) -> Places:
    """Where the values of the mapping that `load` gives for this file stand. `MappingError` where there is no file."""
    package = resources.files("mappings")
    tree, _ = _laid_over(path, package)
    return Places(tree, str(package / DEFAULT))


# --- reading ---------------------------------------------------------------------------------------------------------


class _Unread:
    """A value that YAML takes for something which no mapping holds: a date, a fraction, an octal number."""


@dataclass(frozen=True, slots=True)
class _Node:
    """One value of the file, and where it stands."""

    value: "dict[str, _Node] | list[_Node] | str | int | bool | _Unread | None"
    raw: str  # a scalar as it is written
    taken_for: str  # YAML's guess: str, bool, int, float, timestamp, null, map, seq
    file: str
    line: int  # of the key, or of the list's item
    text_line: int  # where the first line of a text stands
    folder: Traversable  # where its template files are looked for


def _laid_over(path: Path | None, package: Traversable) -> tuple[_Node, list[Problem]]:
    """The packaged default, or the admin's file laid over it, and what is wrong with that file's form."""
    tree, problems = _read(package / DEFAULT, package)
    if path is not None:
        custom, problems = _read(path, path.parent)
        tree = _merged(tree, custom)
    return tree, problems


def _read(file: Traversable, folder: Traversable) -> tuple[_Node, list[Problem]]:
    """The tree of a YAML file, and what is wrong with its form. Raises `MappingError` where there is no tree."""
    text = _text_of(file, str(file))
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise MappingError([_syntax(error, str(file), text)]) from None
    if root is None:
        message = "the file is empty: write what differs from the default mapping, or unset MAPPING"
        raise MappingError([Problem(str(file), 1, "", message)])
    if not isinstance(root, yaml.MappingNode):
        message = "the file holds no sections: write keys such as `portfolio:` with their values below them"
        raise MappingError([Problem(str(file), root.start_mark.line + 1, "", message)])
    reader = _TreeReader(str(file), folder)
    return reader.node(root, (), 1), reader.problems


def _text_of(file: Traversable, name: str) -> str:
    try:
        data = file.read_bytes()
    except OSError as error:
        message = f"cannot be read ({error.strerror or error}): name a file that exists and that the service may read"
        raise MappingError([Problem(name, None, "", message)]) from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise MappingError([Problem(name, line, "", "is not UTF-8 from here on: save the file as UTF-8")]) from None


def _syntax(error: yaml.YAMLError, file: str, text: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        said = ", ".join(part for part in (error.context, error.problem) if part)
        line = mark.line + 1 if mark else None
    else:
        position = getattr(error, "position", None)
        said = str(getattr(error, "reason", error))
        line = text.count("\n", 0, position) + 1 if isinstance(position, int) else None
    lines = text.splitlines() or [""]
    line = min(line, len(lines)) if line else None  # the end of the file counts as a line of its own
    at = lines[line - 1] if line else ""
    if at.lstrip(" ").startswith("\t"):
        hint = "indent with spaces, not with tabs"
    elif re.search(r":\s*(\{\{|\{%|[%@`])", at):
        hint = "put the text in quotes"
    elif at.count(": ") > 1 and not re.search(r"""['"]""", at):
        hint = "put a text that holds a colon in quotes"
    else:
        hint = "look at this line and the one before it for a missing colon, quote or bracket, or a wrong indent"
    return Problem(file, line, "", f"is not YAML ({said}): {hint}")


_UNFIT = re.compile("[\ud800-\udfff\0]")
"""What YAML's escapes can write, and a database or an email cannot: half an emoji (libyaml refuses it itself), NUL."""


class _TreeReader:
    """Turns YAML's nodes into ours and notes what YAML would let pass."""

    def __init__(self, file: str, folder: Traversable) -> None:
        self.problems: list[Problem] = []
        self._file, self._folder = file, folder
        self._seen: set[int] = set()

    def node(self, node: yaml.Node, path: tuple[str, ...], line: int) -> _Node:
        """The tree below a YAML node; `line` is its key's."""
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        text_line = node.start_mark.line + (2 if getattr(node, "style", None) in {"|", ">"} else 1)
        made = _Node(None, "", kind, self._file, line, text_line, self._folder)
        if id(node) in self._seen:
            self._note(path, line, "repeats a part of the file by an anchor (`&`, `*`): write the value out")
            return made
        self._seen.add(id(node))
        if kind not in {"map", "seq", "str", "int", "float", "bool", "null", "timestamp", "value", "merge"}:
            self._note(path, line, f"has the tag `{node.tag}`: leave the tag out")
        if isinstance(node, yaml.MappingNode):
            return replace(made, value=self._section(node, path), taken_for="map")
        if isinstance(node, yaml.SequenceNode):
            items = [self.node(each, (*path, str(i)), each.start_mark.line + 1) for i, each in enumerate(node.value)]
            return replace(made, value=items, taken_for="seq")
        if _UNFIT.search(node.value):
            self._note(path, line, "holds a character that no database takes (an escape such as \\0): leave it out")
        return replace(made, value=_scalar(kind, node.value), raw=node.value)

    def _section(self, node: yaml.MappingNode, path: tuple[str, ...]) -> dict[str, _Node]:
        section: dict[str, _Node] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self._note(path, line, "has a key that is a list or a section: write a plain name before the colon")
                continue
            key = key_node.value
            if key_node.tag != "tag:yaml.org,2002:str":
                taken_for = _GUESSES.get(key_node.tag.removeprefix("tag:yaml.org,2002:"), "something else than text")
                self._note((*path, key), line, f"the key is read as {taken_for}: write it in quotes, {_quoted(key)}")
            if key in section:
                first = section[key].line
                self._note((*path, key), line, f"stands here a second time, first on line {first}: remove one of them")
            section[key] = self.node(value_node, (*path, key), line)
        return section

    def _note(self, path: tuple[str, ...], line: int, message: str) -> None:
        self.problems.append(Problem(self._file, line, ".".join(path), message))


_GUESSES = {
    "bool": "yes or no",
    "int": "a number",
    "float": "a number",
    "timestamp": "a date",
    "null": "nothing",
    "merge": "a merge of sections",
}


def _scalar(kind: str, raw: str) -> "str | int | bool | _Unread | None":
    """The value of a scalar where YAML's guess and a reader's cannot differ; `_Unread` otherwise."""
    if kind == "null":
        return None
    if kind == "bool":
        return raw.lower() in {"true", "yes", "on"}
    if kind == "int" and re.fullmatch(r"-?(0|[1-9][0-9]{0,17})", raw):
        return int(raw)
    return _Unread() if kind in {"int", "float", "timestamp"} else raw


def _quoted(raw: str) -> str:
    return "'" + raw.replace("'", "''") + "'"


# --- the default below, the custom mapping above ---------------------------------------------------------------------


def _merged(base: _Node, over: _Node, path: tuple[str, ...] = ()) -> _Node:
    """`over` completed from `base`, section by section; an empty section, a list and `_REPLACED` stay as in `over`."""
    if not isinstance(base.value, dict) or not isinstance(over.value, dict):
        return over
    if path in _REPLACED or (path and not over.value):
        return over
    both = {
        key: _merged(node, over.value[key], (*path, key)) if key in over.value else node
        for key, node in base.value.items()
    }
    return replace(over, value=both | {key: node for key, node in over.value.items() if key not in both})


def _plain(node: _Node) -> object:
    if isinstance(node.value, dict):
        return {key: _plain(each) for key, each in node.value.items()}
    if isinstance(node.value, list):
        return [_plain(each) for each in node.value]
    return node.value


def _at(tree: _Node, path: Iterable[str | int]) -> _Node | None:
    """The node at this path; None if there is none."""
    node = tree
    for part in path:
        if isinstance(node.value, dict) and part in node.value:
            node = node.value[str(part)]
        elif isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        else:
            return None
    return node


# --- texts -----------------------------------------------------------------------------------------------------------

_TEXTS: tuple[tuple[tuple[str, ...], TextKind], ...] = (
    (("closing_line",), None),
    (("notes_line",), None),
    *((("letter", part), LETTER) for part in ("subject", "text", "html")),
    *((("tasks", kind.value, part), kind) for kind in TaskKind for part in ("subject", "body")),
    *((("emails", kind.value, part), kind) for kind in EmailKind for part in ("subject", "body")),
)
"""Where the texts stand, and what they are for."""


def _bring_in_files(tree: _Node, package: Traversable) -> list[Problem]:
    """Put the content of each template file in the place of its name."""
    problems: list[Problem] = []
    for path, _ in _TEXTS:
        section, node = _at(tree, path[:-1]), _at(tree, path)
        if section is None or node is None or not isinstance(section.value, dict):
            continue
        if not isinstance(node.value, str) or not _TEMPLATE_FILE.fullmatch(node.value):
            continue
        try:
            file = _template_file(node.value, (node.folder, package))
            text = _text_of(file, str(file)).rstrip("\n")
        except MappingError as error:
            problems += [replace(each, key=".".join(path)) for each in error.problems]
        except FileNotFoundError as error:
            problems.append(Problem(node.file, node.line, ".".join(path), str(error)))
        else:
            section.value[path[-1]] = replace(node, value=text, file=str(file), text_line=1)
    return problems


def _template_file(name: str, folders: Iterable[Traversable]) -> Traversable:
    """The first of the folders' files of this name; `FileNotFoundError` says what to write instead."""
    parts = PurePosixPath(name).parts
    if parts[0] == "/" or ".." in parts or "\\" in name:
        raise FileNotFoundError(
            f"{name!r} leads elsewhere: name a file beside the mapping, such as `templates/{parts[-1]}`"
        )
    for folder in folders:
        file = folder.joinpath(*parts)
        if file.is_file():
            return file
    raise FileNotFoundError(
        f"there is no template file {name!r}, neither beside the mapping nor among the packaged ones: mend the name, "
        "or write the text itself here"
    )


def _rehearsed(tree: _Node) -> list[Problem]:
    """What is wrong with the texts, each placed in the file it was read from."""
    problems: list[Problem] = []
    for path, kind in _TEXTS:
        node = _at(tree, path)
        if node is None or not isinstance(node.value, str) or not node.value.strip():
            continue
        subject = path[-1] == "subject"
        html = path[-1] == "html" or (not subject and kind is not LETTER and not isinstance(kind, EmailKind))
        for fault in faults(node.value, kind, html=html, subject=subject):
            line = node.text_line + fault.line - 1
            problems.append(Problem(node.file, line, ".".join(path), fault.message))
    return problems


# --- what the schema says --------------------------------------------------------------------------------------------


def _explained(error: ErrorDetails, tree: _Node) -> Iterator[Problem]:
    """One validation error in the words of the file; several where it stands for several."""
    path = tuple(part for part in error["loc"] if part != "[key]")
    context = error.get("ctx", {})
    if error["type"] == SEVERAL:
        for below, message in context["problems"]:
            yield _placed(tree, (*path, *below), message)
    elif error["type"] == "extra_forbidden" or error["loc"][-1] == "[key]":
        yield _placed(tree, path, _unknown_key(str(path[-1]), _known_keys(path[:-1])))
    elif error["type"] == "missing":
        yield _placed(tree, path, "is missing: write a line for it")
    else:
        yield _placed(tree, path, _wrong_value(error["type"], context, error["msg"], _at(tree, path)))


def _placed(tree: _Node, path: Sequence[str | int], message: str) -> Problem:
    """The problem at the line of its key, or of the nearest section above it that stands in the file being loaded."""
    above = (_at(tree, path[:end]) for end in range(len(path), 0, -1))
    near = next((node for node in above if node is not None and node.file == tree.file), tree)
    return Problem(near.file, near.line, ".".join(str(part) for part in path), message)


def _unknown_key(key: str, known: Sequence[str]) -> str:
    near = get_close_matches(key, known, n=1)
    if near:
        return f"is not a key here: did you mean `{near[0]}`?"
    return f"is not a key here: remove it, or write one of {', '.join(f'`{each}`' for each in known)}"


_SECTIONS = {"model_type", "model_attributes_type", "mapping_type", "dict_type"}
_WANTED = {
    "int_type": "must be a whole number, such as 15",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list: write [one, another]",
    "too_short": "is an empty list, which nothing can match: write at least one value, or remove it",
    "dataclass_type": "is no interval: write a number and a unit, such as `10 days`, `2 weeks` or `1 month`",
}


def _wrong_value(kind: str, context: Mapping[str, Any], said: str, node: _Node | None) -> str:
    taken_for = _GUESSES.get(node.taken_for) if node else None
    if node is not None and node.taken_for == "null" and kind != "value_error":
        below = "write its keys below it" if kind in _SECTIONS else "write a value ('' for none)"
        return f"is empty: {below}, or remove the line to keep the default"
    if kind == "string_type" and node is not None and taken_for:
        return f"is read as {taken_for}: write it in quotes, {_quoted(node.raw)}"
    if kind == "string_type":
        return "must be a single text, not a list or a section"
    if kind in _SECTIONS:
        return "must be a section: write its keys below it, indented"
    if kind in {"literal_error", "enum"}:
        return f"{node.raw if node else ''!r} is not possible here: write {context['expected']}"
    if kind == "value_error":
        return str(context["error"])
    if kind == "greater_than_equal":
        return f"is too small: write {context['ge']} or more"
    if kind == "less_than_equal":
        return f"is too large: write {context['le']} or less"
    return _WANTED.get(kind, said)


def _known_keys(path: Iterable[str | int]) -> list[str]:
    """The keys that the schema knows in the section at this path."""
    kind: Any = ProcessMapping
    for part in path:
        kind = _value_type(kind, part)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return [str(info.validation_alias or name) for name, info in kind.model_fields.items()]
    keys: Any = get_args(kind)[0] if get_origin(kind) is Mapping else ()
    return [str(key) for key in (get_args(keys) or keys) if key not in {Status.UNMAPPED, Revision.UNMAPPED}]


def _value_type(kind: Any, part: str | int) -> Any:
    """The type of the value under a key of a model or mapping, or of a tuple's items."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        fields = {str(info.validation_alias or name): info.annotation for name, info in kind.model_fields.items()}
        return fields.get(str(part))
    arguments = get_args(kind)
    return arguments[-1] if get_origin(kind) is Mapping else arguments[0] if arguments else None
