"""Cutting a search to HubSpot's limits: what is asked is a union of groups, so it may be asked in several requests.

Limits, from HubSpot's "Search the CRM": 5 groups, 6 filters a group, 18 in all, 100 values in a list, 3,000 characters.
The last filter of each group is the moving bound by which pages are turned.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from sync.crm import Filter
from sync.hubspot.answers import Json

PAGE: Final = 200
_GROUPS: Final = 5
_FILTERS: Final = 18
_VALUES: Final = 100
_CHARACTERS: Final = 3_000
_LARGEST_ID: Final = "9" * 19

Group = Sequence[Filter]


def requests_for(groups: Sequence[Group], properties: Sequence[str]) -> list[list[Group]]:
    """Pack the groups, long lists of values cut, into as few requests as the limits allow."""
    packed: list[list[Group]] = []
    for whole in groups or [()]:
        for group in _cut(whole, properties):
            if packed and _fits([*packed[-1], group], properties):
                packed[-1].append(group)
            else:
                packed.append([group])
    return packed


def body(groups: Sequence[Group], properties: Sequence[str], above: str) -> Json:
    """Write the body for one page: the records of any group whose id is above the bound, by rising id."""
    bound = Filter("hs_object_id", "GT", above)
    return {
        "filterGroups": [{"filters": [_wire(it) for it in (*group, bound)]} for group in groups],
        "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
        "properties": list(properties),
        "limit": PAGE,
    }


def _cut(group: Group, properties: Sequence[str]) -> list[Group]:
    """The group as groups that fit a request each; one that cannot be cut further is left to HubSpot to refuse."""
    longest = max(group, key=lambda it: len(it.values), default=None)
    if longest is None or len(longest.values) < 2:
        return [group]
    if len(longest.values) <= _VALUES and _fits([group], properties):
        return [group]
    middle = len(longest.values) // 2
    halves = (longest.values[:middle], longest.values[middle:])
    return [
        part
        for values in halves
        for part in _cut([replace(it, values=values) if it is longest else it for it in group], properties)
    ]


def _fits(groups: Sequence[Group], properties: Sequence[str]) -> bool:
    filters = sum(len(group) + 1 for group in groups)
    written = len(json.dumps(body(groups, properties, _LARGEST_ID)))
    return len(groups) <= _GROUPS and filters <= _FILTERS and written <= _CHARACTERS


def _wire(condition: Filter) -> dict[str, Any]:
    wire: dict[str, Any] = {"propertyName": condition.property, "operator": condition.operator}
    if condition.operator == "IN":
        wire["values"] = list(condition.values)
    elif condition.value is not None:
        wire["value"] = condition.value
    return wire
