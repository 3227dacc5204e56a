"""Which portfolio an admin means: by its id or its name."""

from mappings.names import as_seen, same_to_the_eye
from mappings.schema import ProcessMapping
from sync.crm import CRMReader, Filter, Kind
from sync.errors import HandoffsError


class NoSuchPortfolioError(HandoffsError):
    """Nothing in the CRM is called so."""


class AmbiguousNameError(HandoffsError):
    """Several portfolios are called so."""


def find(crm: CRMReader, mapping: ProcessMapping, wanted: str) -> str:
    """Find the id of the portfolio with this id or name (as a person sees it, see `mappings.names`).

    A name is found by the search, whose index is some seconds behind, and compared with what the record says. The search
    knows a name by its letters only: where it finds none, all portfolios are listed, and compared. Raises
    `NoSuchPortfolioError`, `AmbiguousNameError` with the candidates, and the port's errors.
    """
    name = mapping.portfolio.properties.name
    text, seen = wanted.strip(), as_seen(wanted)
    if seen.isascii() and seen.isdigit() and crm.read(Kind.PORTFOLIO, [seen], [name]):
        return seen
    found = _called(crm, name, text) if seen else {}
    if not found:
        raise NoSuchPortfolioError(f"there is no portfolio with the id or name “{wanted}”")
    if len(found) > 1:
        lines = [f"  {i}  {called}" for i, called in sorted(found.items(), key=lambda pair: int(pair[0]))]
        raise AmbiguousNameError(
            "\n".join([f"{len(found)} portfolios are called “{wanted}”: give the id of one", *lines])
        )
    return next(iter(found))


def _called(crm: CRMReader, name: str, text: str) -> dict[str, str]:
    for query in (Filter(name, "EQ", text), Filter(name, "HAS_PROPERTY")):
        shown = crm.search(Kind.PORTFOLIO, [[query]], [name])
        candidates = [one.id for one in shown if same_to_the_eye(one.properties.get(name, ""), text)]
        records = crm.read(Kind.PORTFOLIO, candidates, [name]) if candidates else {}
        found = {record.id: record.properties.get(name, "") for record in records.values()}
        found = {record: called for record, called in found.items() if same_to_the_eye(called, text)}
        if found:
            return found
    return {}
