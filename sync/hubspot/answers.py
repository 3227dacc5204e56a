"""What HubSpot's answers mean: pure functions from decoded JSON, tolerant of every field that may be absent.

The shapes are those of `hubspot-api-client`'s models and of payloads captured in public; ids are matched, never places.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Generic, TypeVar

from sync.crm import MERGED, Association, Kind, NotSent, Outcome, RawVersion, Record, Rejected, Unknown, moment_of
from sync.errors import PartialAnswerError

Json = dict[str, Any]

_NAMING: Final = {"id", "ids", "objectid", "objectids", "fromobjectid", "fromobjectids", "objectwritetraceid"}
_LONGEST_MESSAGE: Final = 500

_SENT_BEFORE: Final = re.compile(
    r"sendid.*(already|before|duplicate|exists|used)|(already|duplicate).*sendid", re.IGNORECASE
)
"""How HubSpot's refusal of a `sendId` reads that was sent before: it has no category of its own for that."""

_TAKEN: Final = re.compile(r"\bCONFLICT\b|CONFLICTING_UNIQUE_VALUE|already has that value|existing id", re.IGNORECASE)
_HOLDER: Final = re.compile(r"existing id:?\s*\[?(\d+)|(\d+) already has that value", re.IGNORECASE)
"""How HubSpot's refusals read of a unique value that another record has (docs/hubspot.md 4.20)."""

_LISTED: Final = re.compile(r"(?P<said>[^\[]+): (?P<list>\[\s*\{.*\}\s*\])", re.DOTALL)
"""How a message reads that ends in a list of objects, as that of refused values does."""

T = TypeVar("T")


class MalformedAnswerError(PartialAnswerError):
    """The JSON is not what was asked for: nothing may be concluded from it."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One error, of a whole call or of some inputs; absent fields are ''. `names` are the ids or traces it is about."""

    message: str = ""
    category: str = ""
    sub_category: str = ""
    policy: str = ""
    correlation_id: str | None = None  # None: HubSpot gave none
    names: frozenset[str] = frozenset()
    scopes: tuple[str, ...] = ()
    holder: str | None = None
    """A unique value is another record's already: that one's id, '' where it is not named. None: it is no such error."""

    @property
    def no_associations(self) -> bool:
        """The record exists, and has no associations: HubSpot reports that as an error."""
        return "NO_ASSOCIATIONS_FOUND" in self.sub_category.upper()

    @property
    def not_found(self) -> bool:
        """The record does not exist (any more). Only HubSpot's word counts, not a status that a wrong path has too."""
        return not self.no_associations and "NOT_FOUND" in f"{self.category} {self.sub_category}".upper()

    @property
    def sent_before(self) -> bool:
        """An email was sent under this `sendId` before; a refusal that finds fault with the `sendId` reads otherwise."""
        return _SENT_BEFORE.search(str(self)) is not None

    def outcome(self) -> Outcome:
        """Tell what it means for a write of the inputs that it names."""
        kind = f"{self.category} {self.sub_category}".upper()
        if "RATE_LIMIT" in kind or "LOCKED" in kind:
            return NotSent(str(self))
        if any(word in kind for word in ("INTERNAL", "SERVER_ERROR", "UNAVAILABLE", "TIMEOUT")):
            return Unknown(str(self))
        return Rejected(str(self), self.category, self.correlation_id, missing=self.not_found, holder=self.holder)

    def __str__(self) -> str:
        details = {
            "category": self.category,
            "subCategory": self.sub_category,
            "policyName": self.policy,
            "correlationId": self.correlation_id,
        }
        known = ", ".join(f"{name} {value}" for name, value in details.items() if value)
        return f"{self.message or 'no message'} ({known})" if known else self.message or "no message"


def problem(body: Json, correlation_id: str | None = None) -> Problem:
    """Read the error that an object describes; `correlation_id` is that of the whole answer, where the error has none."""
    nested = [detail for detail in _list(body.get("errors")) if isinstance(detail, dict)]
    contexts = [context for part in (body, *nested) if (context := part.get("context"))]
    first = next((_text(detail.get("message")) for detail in nested), "")
    said = [
        f"{_text(part.get('category'))} {_text(part.get('code'))} {_text(part.get('message'))}"
        for part in (body, *nested)
    ]
    return Problem(
        message=_for_people(_text(body.get("message")) or first)[:_LONGEST_MESSAGE],
        category=_text(body.get("category")) or _text(body.get("errorType")),
        sub_category=_text(body.get("subCategory")),
        policy=_text(body.get("policyName")),
        correlation_id=_text(body.get("correlationId")) or correlation_id,
        names=frozenset(_in_contexts(contexts, lambda key: key in _NAMING)),
        scopes=tuple(dict.fromkeys(_in_contexts(contexts, lambda key: "scope" in key))),
        holder=_holder(" ".join(said)),
    )


def _for_people(message: str) -> str:
    """The message with the list of properties that may end it (docs/hubspot.md 4.11) as people write one."""
    found = _LISTED.fullmatch(message)
    try:
        listed = json.loads(found["list"]) if found else None
    except ValueError:
        return message
    if found is None or not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        return message
    told = (f"{_text(one.get('name'))}: {_text(one.get('message')) or _text(one.get('error'))}" for one in listed)
    return f"{found['said']}: {'; '.join(told)}"


def _holder(said: str) -> str | None:
    """Who has a unique value already, as an error's words have it; see `Problem.holder`."""
    if _TAKEN.search(said) is None:
        return None
    named = _HOLDER.search(said)
    return "" if named is None else next(filter(None, named.groups()))


def problems(body: Json, correlation_id: str | None = None) -> list[Problem]:
    """Read the errors of a 207, in its order."""
    correlation_id = _text(body.get("correlationId")) or correlation_id
    return [problem(error, correlation_id) for error in _list(body.get("errors")) if isinstance(error, dict)]


@dataclass(frozen=True, slots=True)
class Sorted(Generic[T]):
    """A batch's inputs by what became of them: answered, named by an error, or neither: nothing is known of those."""

    found: Mapping[str, T]
    named: Mapping[str, Problem]
    unexplained: Sequence[str]


def sort_out(
    asked: Sequence[str],
    results: Mapping[str, T],
    errors: Sequence[Problem],
    merged_into: Callable[[T], Iterable[str]] = lambda _: (),
    *,
    trust_counts: bool = False,
) -> Sorted[T]:
    """Tell what became of each id that was asked.

    A merged record answers with its survivor's id: it is matched by what the survivor says was merged into it, or where
    one id and one result are left over. Errors that name nobody who was asked are about the ids left over only if there
    is one input or, with `trust_counts`, if they are alike and as many as these ids.
    """
    answering, named = _matched(asked, results, errors, merged_into)
    left = [id_ for id_ in asked if id_ not in answering and id_ not in named]
    nameless = [error for error in errors if not error.names.intersection(asked)]
    surplus = list(results.keys() - set(asked) - set(answering.values()))
    if nameless and _are_about(nameless, left, alone=len(asked) == 1, trust_counts=trust_counts):
        named |= dict(zip(left, nameless, strict=True))
        left = []
    elif not nameless and len(left) == len(surplus) == 1:
        answering[left.pop()] = surplus[0]
    return Sorted({id_: results[by] for id_, by in answering.items()}, named, left)


def _matched(
    asked: Sequence[str],
    results: Mapping[str, T],
    errors: Sequence[Problem],
    merged_into: Callable[[T], Iterable[str]],
) -> tuple[dict[str, str], dict[str, Problem]]:
    """The id of the result that answers for each id, and the error that names it."""
    wanted = set(asked)
    answering = {id_: id_ for id_ in asked if id_ in results}
    named = {id_: error for error in errors for id_ in error.names & wanted if id_ not in answering}
    for survivor in results:
        former = wanted.intersection(merged_into(results[survivor])) - named.keys()
        answering |= {id_: survivor for id_ in former if id_ not in answering}
    return answering, named


def _are_about(nameless: Sequence[Problem], left: Sequence[str], *, alone: bool, trust_counts: bool) -> bool:
    """Whether errors that name nobody are about the ids left over."""
    if len(nameless) != len(left):
        return False
    return alone or (trust_counts and len({(error.category, error.sub_category) for error in nameless}) == 1)


def results(body: Json) -> list[Json]:
    """Read the objects of an answer. Raises `MalformedAnswerError` where anything else is among them."""
    found = body.get("results")
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise MalformedAnswerError("the CRM's answer has no list of results")
    return found


def next_page(body: Json) -> str | None:
    """Read the cursor of the next page; None on the last."""
    following = _dict(_dict(body.get("paging")).get("next")).get("after")
    return None if following in {None, ""} else str(following)


def record(kind: Kind, raw: Json, read_at: datetime | None = None) -> Record:
    """Read an object, with its histories newest first whatever their order was. Raises `MalformedAnswerError`.

    `read_at`: see `Record`. A history that cannot be read is left out, as one that is absent.
    """
    id_ = required(raw, "id")
    values = raw.get("properties")
    if not isinstance(values, dict):
        raise MalformedAnswerError(f"{kind} {id_} came without properties")
    history = {
        str(name): versions
        for name, entries in _dict(raw.get("propertiesWithHistory")).items()
        if (versions := _versions(entries)) is not None
    }
    return Record(
        kind=kind,
        id=id_,
        properties={name: value if type(value) is str else _text(value) for name, value in values.items()},
        history=history,
        created_at=_moment_or_none(raw.get("createdAt")),
        updated_at=_moment_or_none(raw.get("updatedAt")),
        absorbed=tuple(merged_ids(values)),
        read_at=read_at,
    )


def merged_ids(properties: Mapping[str, Any]) -> list[str]:
    """Read the ids of the records that were merged into the one with these properties, as far as it says."""
    named = properties.get(MERGED)
    return re.findall(r"\d+", _text(named)) if named else []


def association_ends(raw: Json) -> list[Association] | None:
    """Read the far ends that one result of an association read lists; None: the list is missing, or one has no types."""
    ends = raw.get("to")
    if not isinstance(ends, list):
        return None
    found = []
    for end in map(_dict, ends):
        types = end.get("associationTypes")
        if not isinstance(types, list) or not _text(end.get("toObjectId")):
            return None
        named = [it for it in types if isinstance(it, dict)]
        found.append(
            Association(
                to=_text(end["toObjectId"]),
                type_ids=frozenset(int(it["typeId"]) for it in named if str(it.get("typeId", "")).isdecimal()),
                labels=frozenset(str(it["label"]) for it in named if it.get("label")),
            )
        )
    return found


def required(raw: Json, name: str) -> str:
    """Read a value without which an object cannot be understood, as text. Raises `MalformedAnswerError`."""
    value = _text(raw.get(name))
    if not value:
        raise MalformedAnswerError(f"an object of the CRM's answer has no {name}")
    return value


def moment(value: object) -> datetime:
    """Read a time of an answer. Raises `MalformedAnswerError` for what is none."""
    text = _text(value).strip()
    found = moment_of(text)
    if found is None:
        raise MalformedAnswerError(f"the CRM wrote a time that is none: {text[:40]!r}")
    return found


def truth(value: object) -> bool:
    """Read a flag, which HubSpot writes as JSON or as text."""
    return _text(value).strip().lower() == "true"


def text(raw: Json, name: str) -> str:
    """Read a value as text; '' where it is null or absent."""
    return _text(raw.get(name))


def objects(value: object) -> list[Json]:
    """Read the JSON objects of a list; nothing where there is none."""
    return [item for item in _list(value) if isinstance(item, dict)]


def texts(value: object) -> tuple[str, ...]:
    """Read a list of values as text; nothing where there is none."""
    return tuple(_text(item) for item in _list(value))


def child(raw: Json, name: str) -> Json:
    """Read a JSON object inside another; empty where there is none."""
    return _dict(raw.get(name))


def _versions(entries: object) -> tuple[RawVersion, ...] | None:
    """The versions, newest first; None where one cannot be read, or has no value: that of a cleared property is empty."""
    if not isinstance(entries, list) or not all(isinstance(entry, dict) and "value" in entry for entry in entries):
        return None
    try:
        versions = [
            RawVersion(
                value=_text(entry["value"]),
                at=moment(entry.get("timestamp")),
                source_type=_text(entry.get("sourceType")),
                source_id=_text(entry.get("sourceId")),
                user_id=_text(entry.get("updatedByUserId")),
            )
            for entry in entries
        ]
    except MalformedAnswerError:
        return None
    return tuple(sorted(versions, key=lambda version: version.at, reverse=True))


def _moment_or_none(value: object) -> datetime | None:
    return moment(value) if _text(value) else None


def _in_contexts(contexts: Iterable[object], wanted: Callable[[str], bool]) -> Iterator[str]:
    for context in contexts:
        for key, value in _dict(context).items():
            if wanted(str(key).lower()):
                yield from (_text(item) for item in (value if isinstance(value, list) else [value]))


def _text(value: object) -> str:
    if type(value) is str:  # an answer holds thousands of them
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dict(value: object) -> Json:
    return value if isinstance(value, dict) else {}
