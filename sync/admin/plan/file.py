"""Keep a plan in a file, to be carried out later, and read it back."""

import json
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from mappings.vocabulary import Handoff
from sync.admin.plan.model import Plan, Step
from sync.crm import Kind, RecordRef
from sync.errors import ConfigurationError
from sync.rules.dry_run import Prospect

VERSION = 1
"""The shape of a plan's JSON: keys are added, never renamed."""


class PlanFileError(ConfigurationError):
    """The file cannot be read, or holds no plan."""


def write_file(plan: Plan, path: Path) -> None:
    """Keep a plan, to be carried out by `handoffs apply`. Raises `PlanFileError` where it cannot be written."""
    effects = [{**step.as_json(), "payload": dict(step.payload)} for step in plan.steps]
    kept = {"version": VERSION, "made_at": plan.made_at.isoformat(), **plan.as_json(), "effects": effects}
    try:
        path.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise PlanFileError(f"the plan cannot be written to {path}: {error.strerror}") from None


def read_file(path: Path) -> Plan:
    """Read a plan that was kept, without what it was worked out from. Raises `PlanFileError`."""
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanFileError(f"{path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise PlanFileError(f"{path} is no plan: `handoffs plan --out FILE` writes one") from None
    try:
        if kept["version"] != VERSION:
            raise PlanFileError(f"{path} is a plan of another version of this program: plan anew")
        until = kept["until"]
        return Plan(
            datetime.fromisoformat(kept["made_at"]),
            date.fromisoformat(kept["today"]),
            None if until is None else date.fromisoformat(until),
            tuple(_step(one) for one in kept["effects"]),
            int(kept["looked"]),
            int(kept["calls"]),
            {},
        )
    except (KeyError, TypeError, ValueError, AttributeError):
        raise PlanFileError(f"{path} is no plan: `handoffs plan --out FILE` writes one") from None


def _step(kept: Mapping[str, Any]) -> Step:
    return Step(
        day=date.fromisoformat(kept["day"]),
        portfolio=kept["portfolio"],
        name=kept["name"],
        handoff=Handoff(kept["handoff"]),
        record=RecordRef(Kind(kept["record"]["kind"]), kept["record"]["id"]),
        reason=kept["reason"],
        key=kept["key"],
        kind=kept["kind"],
        prospect=Prospect(kept["state"]),
        summary=kept["summary"],
        blocked=kept["blocked"],
        payload=dict(kept["payload"]),
    )
