"""The portal itself: its account, people, pipelines and definitions; reading them, and making what is missing."""

import contextlib
from collections.abc import Mapping
from dataclasses import replace

from sync.crm import Account, AssociationType, Kind, Owner, Pipeline, PipelineStage, PropertyDefinition, ValueRule
from sync.hubspot import answers
from sync.hubspot.answers import Json
from sync.hubspot.ask import Ask, RefusalError
from sync.hubspot.calls import API_VERSION, LIST_PAGE, PartOfPort


class PortalReads(PartOfPort):
    """The part of the port that reads what the portal is made of."""

    def owners(self, known: Mapping[str, Owner] | None = None) -> dict[str, Owner]:
        """Read all owners by id; one that is listed both ways is active. `known`: see the port."""
        active = self._owners(archived=False)
        archived = {i: owner for i, owner in (known or {}).items() if owner.archived}
        if known is None or known.keys() - archived.keys() - active.keys():
            archived = self._owners(archived=True)  # after the others: whoever leaves meanwhile is in one of the two
        return {**archived, **active}

    def _owners(self, *, archived: bool) -> dict[str, Owner]:
        query = {"limit": str(LIST_PAGE), "archived": str(archived).lower()}
        listed = self._calls.listed(Ask("GET", f"/crm/owners/{API_VERSION}", "owners", query=query, listing=True))
        owners = (
            Owner(
                id=answers.required(raw, "id"),
                email=answers.text(raw, "email"),
                first_name=answers.text(raw, "firstName"),
                last_name=answers.text(raw, "lastName"),
                archived=archived,
                user_id=answers.text(raw, "userId") or answers.text(raw, "userIdIncludingInactive"),
                is_queue=answers.text(raw, "type").upper() == "QUEUE",
            )
            for raw in listed
        )
        return {owner.id: owner for owner in owners}

    def pipelines(self) -> tuple[Pipeline, ...]:
        """Read the ticket pipelines with their stages, as HubSpot lists them."""
        ask = Ask("GET", f"/crm/pipelines/{API_VERSION}/tickets", "pipelines", listing=True)
        return tuple(
            Pipeline(
                id=answers.required(raw, "id"),
                label=answers.text(raw, "label"),
                stages=tuple(_stage(stage) for stage in answers.objects(raw.get("stages"))),
            )
            for raw in self._calls.listed(ask)
        )

    def properties(self, kind: Kind) -> dict[str, PropertyDefinition]:
        """Read the property definitions of one object, by name."""
        ask = Ask(
            "GET", f"/crm/properties/{API_VERSION}/{self._calls.type_id(kind)}", f"{kind}/properties", listing=True
        )
        definitions = [_property(raw) for raw in self._calls.listed(ask)]
        return {definition.name: definition for definition in definitions}

    def archived_properties(self, kind: Kind) -> frozenset[str]:
        """Read the names of archived properties; see the port."""
        path = f"/crm/properties/{API_VERSION}/{self._calls.type_id(kind)}"
        ask = Ask("GET", path, f"{kind}/properties", query={"archived": "true"}, listing=True)
        return frozenset(answers.required(raw, "name") for raw in self._calls.listed(ask))

    def sensitive_properties(self, kind: Kind) -> dict[str, PropertyDefinition]:
        """Read sensitive definitions, the highly sensitive ones too; see the port."""
        path = f"/crm/properties/{API_VERSION}/{self._calls.type_id(kind)}"
        found = [
            _property(raw)
            for sensitivity in ("sensitive", "highly_sensitive")
            for raw in self._calls.listed(
                Ask("GET", path, f"{kind}/properties", query={"dataSensitivity": sensitivity}, listing=True)
            )
        ]
        return {definition.name: replace(definition, sensitive=True) for definition in found}

    def value_rules(self, kind: Kind) -> list[ValueRule]:
        """Read validation rules; see the port."""
        path = f"/crm/property-validations/{API_VERSION}/{self._calls.type_id(kind)}"
        return [
            ValueRule(
                answers.required(raw, "propertyName"),
                answers.text(rule, "ruleType"),
                answers.texts(rule.get("ruleArguments")),
            )
            for raw in self._calls.listed(Ask("GET", path, f"{kind}/validations", listing=True))
            for rule in answers.objects(raw.get("propertyValidationRules"))
        ]

    def required_properties(self, kind: Kind) -> frozenset[str]:
        """Read them from the object's schema; see the port."""
        path = f"/crm-object-schemas/{API_VERSION}/schemas/{self._calls.type_id(kind)}"
        body = self._calls.send(Ask("GET", path, "schemas/get")).body
        return frozenset(answers.texts(body.get("requiredProperties")))

    def account(self) -> Account:
        """Read portal id, time zone, host of its pages and kind."""
        return self.account_of(None)

    def account_of(self, token: str | None) -> Account:
        """Read the account that a token is of; None: the one that all calls go with. Raises as `account`."""
        body = self._calls.send(Ask("GET", f"/account-info/{API_VERSION}/details", "account", token=token)).body
        return Account(
            portal_id=answers.required(body, "portalId"),
            time_zone=answers.text(body, "timeZone"),
            ui_domain=answers.text(body, "uiDomain") or "app.hubspot.com",
            kind=answers.text(body, "accountType").upper(),
        )

    def type_id(self, kind: Kind) -> str:
        """Read the object type id; see the port."""
        return self._calls.type_id(kind)

    def label(self, kind: Kind) -> str:
        """Read what people call one record; see the port. Only the portfolio's is told."""
        return self._calls.label(kind)

    def association_type(self, source: Kind, target: Kind) -> AssociationType:
        """Read the unlabelled association type; see the port."""
        return self._calls.association_type(source, target)

    def check_write_access(self, kind: Kind) -> None:
        """Send an update of no records; see the port. HubSpot may refuse it for being empty: then it may be written."""
        with contextlib.suppress(RefusalError):
            self._calls.send(self._calls.objects(kind, "update", {"inputs": []}))


class PortalWrites(PartOfPort):
    """The part of the port that makes what the portal lacks."""

    def create_property(self, kind: Kind, definition: Mapping[str, object]) -> None:
        """Create a property; see the port. One that exists already is a `CRMRejectedError` (409)."""
        path = f"/crm/properties/{API_VERSION}/{self._calls.type_id(kind)}"
        self._calls.send(Ask("POST", path, f"{kind}/properties/create", body=dict(definition), write=True))

    def create_object(self, definition: Mapping[str, object]) -> None:
        """Create a custom object; see the port. It is found under the mapping's name for it from then on."""
        path = f"/crm-object-schemas/{API_VERSION}/schemas"
        self._calls.send(Ask("POST", path, "schemas/create", body=dict(definition), write=True))

    def create_pipeline(self, definition: Mapping[str, object]) -> None:
        """Create a ticket pipeline; see the port."""
        path = f"/crm/pipelines/{API_VERSION}/tickets"
        self._calls.send(Ask("POST", path, "pipelines/create", body=dict(definition), write=True))

    def create_association(self, source: Kind, target: Kind, name: str) -> None:
        """Associate a custom object to another object; see the port."""
        path = f"/crm-object-schemas/{API_VERSION}/schemas/{self._calls.type_id(source)}/associations"
        body = {
            "fromObjectTypeId": self._calls.type_id(source),
            "toObjectTypeId": self._calls.type_id(target),
            "name": name,
        }
        self._calls.send(Ask("POST", path, "schemas/associations/create", body=body, write=True))


def _property(raw: Json) -> PropertyDefinition:
    options = answers.objects(raw.get("options"))
    reference = answers.text(raw, "referencedObjectType") or answers.text(raw, "externalOptionsReferenceType")
    rights = answers.child(raw, "modificationMetadata")
    return PropertyDefinition(
        name=answers.required(raw, "name"),
        label=answers.text(raw, "label"),
        type=answers.text(raw, "type"),
        field_type=answers.text(raw, "fieldType"),
        options=tuple(answers.text(option, "value") for option in options),
        labels=tuple(answers.text(option, "label") for option in options),
        owner=reference.upper() == "OWNER",
        read_only=answers.truth(rights.get("readOnlyValue")) or answers.truth(raw.get("calculated")),
        group=answers.text(raw, "groupName"),
        external=answers.truth(raw.get("externalOptions")),
        sensitive=answers.text(raw, "dataSensitivity") not in {"", "non_sensitive"},
    )


def _stage(raw: Json) -> PipelineStage:
    metadata = answers.child(raw, "metadata")
    state = answers.text(metadata, "ticketState").upper()
    closed = state == "CLOSED" if state else answers.truth(metadata.get("isClosed"))
    permissions = answers.text(raw, "writePermissions").upper()
    return PipelineStage(
        answers.required(raw, "id"),
        answers.text(raw, "label"),
        closed,
        read_only=permissions in {"READ_ONLY", "INTERNAL_ONLY"},
    )
