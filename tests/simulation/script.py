"""What happens to a simulated agency, as data: recorded while it is made up, replayed as it was, shrunk item by item."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

ACT = "act"
"""A person does something in the CRM. The only kind that can also happen in the middle of a pass (`call`, `step`)."""

FAULT, KILL, RECEIVER, MODE, POLL, SWEEP = "fault", "kill", "receiver", "mode", "poll", "sweep"
REMAP, REWORD, RETELL = "remap", "reword", "retell"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that happens at a moment, in virtual milliseconds since the epoch.

    `act`: the act `name` with `values`. `fault`: the sandbox's fault `values`. `kill`: the process ends at the
    `values["step"]`-th step from here (with `name`: step of that name) and starts again `values["down"]` seconds
    later, its database lost where `values["lose"]` says so, and with the mapping of `values["remap"]`, or the texts of
    `values["retell"]`, if that is there.
    `receiver`: webhooks are answered as `name` says for `values["lasts"]` seconds. `mode`: how webhooks travel from here.
    `poll`, `sweep`: the timer's work, which happens only where an item says so. `remap`: the service is started with
    another mapping, `values` of which it differs by. `reword`: it is started with a mapping that calls things so, besides:
    `values["words"]` by their packaged words; and so do people say from then on, where `values["said"]` says so. Pipeline and
    stages are named in it as `values["stages"]` says, by id or by label. `retell`: it is started with these editions of texts.
    """

    at: int
    kind: str
    name: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    by: str = ""
    call: int = 0
    """An act with a number happens inside a pass: before so many calls to the CRM have been made from `at` on."""
    step: str = ""
    """An act with a step happens inside a pass: the first time from `at` on that one comes to this step."""

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.values.items())
        inside = f" (before call {self.call} of a pass)" if self.call else f" (at “{self.step}”)" if self.step else ""
        return f"{self.kind} {self.name} {told}{inside}".replace("  ", " ")


@dataclass(frozen=True, slots=True)
class Script:
    """A whole run: what it begins with, and everything that happens. `seed` draws what is left to chance on the way."""

    seed: int
    start: int
    days: int
    webhooks: bool
    reaction: float
    """Seconds from a delivery or a due look until the service has picked it up."""
    calm: int = 0
    """The last so many days have no fault, no kill and no lost delivery."""
    quirks: dict[str, Any] = field(default_factory=dict)
    key_carrier: str = "property"
    """By what tasks carry their keys: `property`, or `body`."""
    admins: bool = False
    """Whether the portal has the properties that its admins bring into the mapping in mid-life, and take out again."""
    words: bool = False
    """Whether its people can choose the words by which admins call statuses, revisions and approvals in mid-life."""
    texts: bool = False
    """Whether its admins write texts anew, and rename properties."""
    stages: bool = False
    """Whether the portal has the pipelines and stages that admins replace by one another."""
    items: tuple[Item, ...] = ()

    def with_items(self, items: Iterable[Item]) -> "Script":
        return replace(self, items=tuple(items))

    def to_json(self) -> str:
        """One line an item, so that a story reads and compares well."""
        head = {name: value for name, value in asdict(self).items() if name != "items"}
        lines = [json.dumps({**head, "items": None})[: -len("null}")].rstrip() + " ["]
        lines.append(",\n".join(json.dumps(_brief(item), ensure_ascii=False) for item in self.items))
        lines.append("]}")
        return "\n".join(lines) + "\n"

    @classmethod
    def from_json(cls, raw: str) -> "Script":
        read = json.loads(raw)
        items: Sequence[dict[str, Any]] = read.pop("items")
        return cls(**read, items=tuple(Item(**item) for item in items))


def _brief(item: Item) -> dict[str, Any]:
    return {name: value for name, value in asdict(item).items() if value or name == "at"}
