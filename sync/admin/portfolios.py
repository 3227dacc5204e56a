"""Which portfolio an admin means: by its id, its name, or a part of its name. Every command finds it so."""

from collections.abc import Callable, Iterable, Mapping

from mappings.names import as_seen, nearly, same_to_the_eye
from mappings.schema import ProcessMapping
from sync.crm import CRMReader, Filter, Kind, Record
from sync.errors import HandoffsError

LISTED = 20
"""So many candidates are listed."""

NEAR = 3
"""So many names are suggested."""


class NoSuchPortfolioError(HandoffsError):
    """Nothing in the CRM is called so."""


class AmbiguousNameError(HandoffsError):
    """Several portfolios are called so."""


TOO_NEW = (
    "; one that was made less than a minute ago is found by its id alone, for HubSpot's search is some seconds behind"
)


def find(
    crm: CRMReader,
    mapping: ProcessMapping,
    wanted: str,
    *,
    known: Mapping[str, str] | None = None,
    on_part: Callable[[str, str], None] = lambda _id, _name: None,
) -> str:
    """Find the id of the portfolio with this id or name (as a person sees it, see `mappings.names`), or part of one name.

    An id of before a merge finds the record that answers for it now: what is planned and recorded is under that one's.
    A part must be one of no other name; `on_part` is then told the id and name that were found. A name is found by the
    search, whose index is some seconds behind, or among those that the service has seen (`known`, by id), and compared with
    what the record says. The search knows a name by its letters only: where it finds none, all portfolios are listed, and
    compared. Raises `NoSuchPortfolioError`, which names those that may be meant, `AmbiguousNameError` with the candidates,
    and the port's errors.
    """
    name = mapping.portfolio.properties.name
    text, seen = wanted.strip(), as_seen(wanted)
    if seen.isascii() and seen.isdigit() and (records := crm.read(Kind.PORTFOLIO, [seen], [name])):
        return records[seen].id
    if not seen:
        raise NoSuchPortfolioError(f"there is no portfolio with the id or name “{wanted}”")
    shown = crm.search(Kind.PORTFOLIO, [[Filter(name, "EQ", text)]], [name])
    found = _read(crm, name, _names(shown, name), lambda called: same_to_the_eye(called, text))
    if found:
        return _only(found, f"are called “{wanted}”")
    names = dict(known or {}) | _names(crm.search(Kind.PORTFOLIO, [[Filter(name, "HAS_PROPERTY")]], [name]), name)
    found = _read(crm, name, names, lambda called: same_to_the_eye(called, text))
    if found:
        return _only(found, f"are called “{wanted}”")
    parts = _read(crm, name, names, lambda called: seen in as_seen(called))
    if parts:
        part = _only(parts, f"have “{wanted}” in their name")
        on_part(part, parts[part])
        return part
    late = "" if seen.isascii() and seen.isdigit() else TOO_NEW
    raise NoSuchPortfolioError(f"there is no portfolio with the id or name “{wanted}”{_hint(text, names) or late}")


def _names(shown: Iterable[Record], name: str) -> dict[str, str]:
    """The names that the search shows, by id."""
    return {one.id: one.properties.get(name, "") for one in shown}


def _read(crm: CRMReader, name: str, names: Mapping[str, str], fits: Callable[[str], bool]) -> dict[str, str]:
    """Those of the search's finds whose record itself fits."""
    candidates = [i for i, called in names.items() if fits(called)]
    records = crm.read(Kind.PORTFOLIO, candidates, [name]) if candidates else {}
    found = {record.id: record.properties.get(name, "") for record in records.values()}
    return {record: called for record, called in found.items() if fits(called)}


def _only(found: Mapping[str, str], what: str) -> str:
    if len(found) > 1:
        ordered = sorted(found.items(), key=lambda pair: int(pair[0]))
        lines = [f"  {i}  {called}" for i, called in ordered[:LISTED]]
        lines += [f"  … and {len(ordered) - LISTED:,} more"] if len(ordered) > LISTED else []
        raise AmbiguousNameError("\n".join([f"{len(found)} portfolios {what}: give the id of one", *lines]))
    return next(iter(found))


def _hint(text: str, names: Mapping[str, str]) -> str:
    """Name those that may be meant: those of which the name, or a word of it, is nearly the same."""
    by_name = {called: i for i, called in reversed(list(names.items()))}
    near = [f"“{called}” ({by_name[called]})" for called in nearly(text, by_name, NEAR)]
    return ": did you mean " + " or ".join(near) + "?" if near else ""
