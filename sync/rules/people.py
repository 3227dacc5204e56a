"""Who does the work of a role: the first who is named and works here (docs/process.md P.1 to P.3, P.8). Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sync.crm import Owner

BETWEEN_PEOPLE = ";"
"""What stands between the people of a user property that may hold several (docs/hubspot.md 7.2)."""


def people_in(value: str) -> list[str]:
    """List whom the value of a user property names: none, one or several."""
    return [one.strip() for one in value.split(BETWEEN_PEOPLE) if one.strip()]


@dataclass(frozen=True, slots=True)
class Staff:
    """Who works here. `active`: owner's id, or email in lower case → owner's id; `owners`: also who is deactivated."""

    active: Mapping[str, str]
    owners: Mapping[str, Owner]

    def find(self, one: str) -> str | None:
        """Find an active owner by id or email; None: whoever that is, no work may be given to them."""
        return self.active.get(one) or self.active.get(one.lower())

    def assign(
        self, named: Sequence[str], fallback: str | None, label: str, where: str
    ) -> tuple[str | None, str | None]:
        """Give the owner's id, or the reason why there is nobody.

        `named`: the values of the properties that may name somebody, the first one that does decides; `fallback`: the
        stand-in of the role that is called `label`, which the mapping names at `where`.
        """
        for value in named:
            several = list(dict.fromkeys(found for one in people_in(value) if (found := self.find(one)) is not None))
            if len(several) == 1:
                return several[0], None
            if several:
                who = ", ".join(self._name(one) for one in several)
                return self._stand_in(
                    fallback, f"{label}: {who} are named at once, and only one can have the work", where
                )
        if not named:
            return self._stand_in(fallback, f"no {label} is named", where)
        return self._stand_in(fallback, f"{label}: {self.gone(named[0])}", where)

    def _stand_in(self, fallback: str | None, why: str, where: str) -> tuple[str | None, str | None]:
        found = self.find(fallback) if fallback else None
        return (
            (found, None) if found is not None else (None, f"{why}, and the mapping names no active fallback ({where})")
        )

    def gone(self, value: str) -> str:
        """Say of the first whom the value of a user property names why no work may be given to them."""
        first = next(iter(people_in(value)), value)
        known = self.owners.get(first)
        return f"{known.name} is deactivated" if known is not None else f"owner {first} does not exist"

    def _name(self, owner: str) -> str:
        known = self.owners.get(owner)
        return owner if known is None else known.name
