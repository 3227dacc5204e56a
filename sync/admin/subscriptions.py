"""The HubSpot project that makes HubSpot call this service: an app with its scopes, and its webhooks.

The subscriptions are for the properties that a rule depends on, and for what changes which ticket belongs to which
portfolio, under the mapping's names; the sweep does the rest. The files are those of HubSpot's developer platform:
`hsproject.json`, `src/app/app-hsmeta.json` and `src/app/webhooks/webhooks-hsmeta.json`, for `hs project upload`.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mappings.schema import ProcessMapping
from mappings.vocabulary import KeyCarrier
from sync.admin.probe import target
from sync.crm import TASK_STATUS
from sync.errors import ConfigurationError, RefusedError

PLATFORM = "2026.09"
"""The version of HubSpot's developer platform that the files are written for."""

SCOPES = (
    "oauth",
    "crm.objects.custom.read",
    "crm.objects.custom.write",
    "crm.schemas.custom.read",
    "tickets",
    "crm.objects.contacts.read",
    "crm.objects.contacts.write",
    "crm.objects.owners.read",
)
"""What the service asks for in any case: tasks and notes go by the scopes of contacts."""

TASK_PROPERTY_SCOPE = "crm.schemas.contacts.write"
"""What `setup` needs to make the property of tasks, where keys are not in their bodies."""


SINGLE_SEND_SCOPE = "transactional-email"
SAMPLE_SCOPE = "crm.schemas.custom.write"

NAME = "Creative Refresh handoffs"
UID = "creative_refresh_handoffs"
CONCURRENT = 10

PROJECT_FILE = Path("hsproject.json")
APP_FILE = Path("src/app/app-hsmeta.json")
WEBHOOKS_FILE = Path("src/app/webhooks/webhooks-hsmeta.json")

Json = dict[str, object]


class FileState(StrEnum):
    """What became of a file."""

    WRITTEN = "written"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class App:
    """What the project says of the app. `portfolio` is its `objectType` (None: no subscriptions to portfolios).

    Every standard object goes by its name there. For custom objects HubSpot does not say what to write; their type id
    (`2-…`) is what events name them by, and what every path of the API takes.
    """

    public_url: str
    portfolio: str | None
    support_email: str | None = None
    single_send: bool = False
    sample: bool = False


def project(mapping: ProcessMapping, app: App) -> dict[Path, Json]:
    """Compose the files of the project, as JSON objects by their path in it."""
    return {PROJECT_FILE: _project(), APP_FILE: _app(mapping, app), WEBHOOKS_FILE: _webhooks(mapping, app)}


def write(files: Mapping[Path, Json], directory: Path, *, force: bool) -> dict[Path, FileState]:
    """Write what is not there yet, and say what became of each file, by its path.

    A file that says something else is replaced with `force` alone: without, `RefusedError`, and nothing is written.
    Raises `ConfigurationError` where nothing can be written.
    """
    texts = {directory / path: (json.dumps(content, indent=2) + "\n").encode() for path, content in files.items()}
    try:
        return _written(texts, force=force)
    except OSError as error:
        raise ConfigurationError(f"{error.filename or directory} cannot be written: {error.strerror} (--out)") from None


def _written(texts: Mapping[Path, bytes], *, force: bool) -> dict[Path, FileState]:
    states = {path: _state(path, text) for path, text in texts.items()}
    changed = [path for path, state in states.items() if state is FileState.REPLACED]
    if changed and not force:
        raise RefusedError(
            f"{', '.join(map(str, changed))}: somebody has changed this, or the mapping; nothing was written. "
            "--force replaces it"
        )
    for path, text in texts.items():
        if states[path] is not FileState.UNCHANGED:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text)
    return states


def _state(path: Path, text: bytes) -> FileState:
    if not path.exists():
        return FileState.WRITTEN
    return FileState.UNCHANGED if path.read_bytes() == text else FileState.REPLACED


def _project() -> Json:
    return {"name": UID, "srcDir": "src", "platformVersion": PLATFORM}


def _app(mapping: ProcessMapping, app: App) -> Json:
    scopes = [*SCOPES]
    scopes += [TASK_PROPERTY_SCOPE] if mapping.task.key_carrier is KeyCarrier.PROPERTY else []
    scopes += [SINGLE_SEND_SCOPE] if app.single_send else []
    scopes += [SAMPLE_SCOPE] if app.sample else []
    return {
        "uid": UID,
        "type": "app",
        "config": {
            "name": NAME,
            "description": "Carries the handoffs of the Creative Refresh: tasks, statuses, dates and emails.",
            "distribution": "private",
            "auth": {"type": "static", "requiredScopes": scopes},  # static auth knows no optional ones
            "permittedUrls": {"fetch": [], "iframe": [], "img": []},  # the app shows nothing inside HubSpot
            "support": {"supportEmail": app.support_email} if app.support_email else {},
        },
    }


def _webhooks(mapping: ProcessMapping, app: App) -> Json:
    return {
        "uid": f"{UID}_webhooks",
        "type": "webhooks",
        "config": {
            "settings": {"targetUrl": target(app.public_url), "maxConcurrentRequests": CONCURRENT},
            "subscriptions": {
                "crmObjects": list(_subscriptions(mapping, app.portfolio)),
                "legacyCrmObjects": [],
                "hubEvents": [],
            },
        },
    }


def _subscriptions(mapping: ProcessMapping, portfolio: str | None) -> Iterator[Json]:
    """One entry an event; a change is one entry a property, as HubSpot has no wildcard."""
    if portfolio is not None:
        # Deletion ends everything by itself. Associations are announced from the ticket's side too: should HubSpot
        # announce them from one side alone, either will do.
        yield from _events(portfolio, ("creation", "restore", "merge", "associationChange"))
        yield from _changes(portfolio, portfolio_properties(mapping))
    yield from _events("ticket", ("creation", "deletion", "restore", "merge", "associationChange"))
    yield from _changes("ticket", ticket_properties(mapping))
    yield from _changes("task", [TASK_STATUS])


def portfolio_properties(mapping: ProcessMapping) -> list[str]:
    """List the properties (internal names) that a rule reads of a portfolio; its name and link are only quoted."""
    portfolio = mapping.portfolio
    names = portfolio.properties
    conditions = [condition.property for condition in portfolio.condition]
    return _once([names.status, names.refresh_date, names.cadence, *portfolio.owners.values(), *conditions])


def ticket_properties(mapping: ProcessMapping) -> list[str]:
    """List the properties (internal names) that a rule reads of a ticket; the approvals are only written."""
    names = mapping.ticket.properties
    return _once([names.pipeline, names.stage, names.folder, names.needs_revisions, *mapping.ticket.owners.values()])


def _once(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))


def _events(object_type: str, events: Sequence[str]) -> Iterator[Json]:
    for event in events:
        yield {"subscriptionType": f"object.{event}", "objectType": object_type, "active": True}


def _changes(object_type: str, names: Sequence[str]) -> Iterator[Json]:
    for name in names:
        yield {
            "subscriptionType": "object.propertyChange",
            "objectType": object_type,
            "propertyName": name,
            "active": True,
        }
