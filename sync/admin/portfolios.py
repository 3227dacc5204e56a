"""Which portfolio an admin means: by its id or its name."""

from mappings.schema import ProcessMapping
from sync.crm import CRMReader, Filter, Kind
from sync.errors import HandoffsError


class NoSuchPortfolioError(HandoffsError):
    """Nothing in the CRM is called so."""


class AmbiguousNameError(HandoffsError):
    """Several portfolios are called so."""


def find(crm: CRMReader, mapping: ProcessMapping, wanted: str) -> str:
    """Find the id of the portfolio with this id or name (case and spaces around it aside).

    A name is found by the search, whose index is some seconds behind, and compared with what the record says. Raises
    `NoSuchPortfolioError`, `AmbiguousNameError` with the candidates, and the port's errors.
    """
    name = mapping.portfolio.properties.name
    text = wanted.strip()
    if text.isascii() and text.isdigit() and crm.read(Kind.PORTFOLIO, [text], [name]):
        return text
    found = _called(crm, name, text) if text else {}
    if not found:
        raise NoSuchPortfolioError(f"there is no portfolio with the id or name “{wanted}”")
    if len(found) > 1:
        lines = [f"  {i}  {called}" for i, called in sorted(found.items(), key=lambda pair: int(pair[0]))]
        raise AmbiguousNameError(
            "\n".join([f"{len(found)} portfolios are called “{wanted}”: give the id of one", *lines])
        )
    return next(iter(found))


def _called(crm: CRMReader, name: str, text: str) -> dict[str, str]:
    candidates = [record.id for record in crm.search(Kind.PORTFOLIO, [[Filter(name, "EQ", text)]], [name])]
    records = crm.read(Kind.PORTFOLIO, candidates, [name]) if candidates else {}
    return {
        record.id: record.properties.get(name, "")
        for record in records.values()
        if record.properties.get(name, "").strip().casefold() == text.casefold()
    }
