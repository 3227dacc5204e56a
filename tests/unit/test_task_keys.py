"""Which key a task carries, by its property or by the mark in its body (docs/process.md K.2 and K.4)."""

import pytest

from mappings.vocabulary import KeyCarrier
from sync.crm import SOURCE, TASK_BODY, Kind, Record
from sync.passes.task_keys import MADE_BY_APP, TaskKeys
from sync.rules.task_marks import mark_of

OWN, OTHER = "4:9990/task:write_copy", "4:9991/task:write_copy"


def task(**properties: str) -> Record:
    return Record(Kind.TASK, "1", {SOURCE: MADE_BY_APP, TASK_BODY: mark_of(OTHER), **properties})


@pytest.mark.parametrize("carrier", KeyCarrier)
def test_both_are_read_whatever_the_mapping_says_and_the_property_wins(carrier: KeyCarrier) -> None:
    keys = TaskKeys(carrier, "handoff_key", frozenset({"handoff_key", SOURCE}))
    assert keys.of(task(handoff_key=OWN)) == OWN
    assert keys.of(task(handoff_key="")) == OTHER
    assert keys.of(task(handoff_key=OWN, **{TASK_BODY: ""})) == OWN


def test_a_mark_counts_only_in_what_an_app_has_made() -> None:
    keys = TaskKeys(KeyCarrier.BODY, "handoff_key", frozenset({SOURCE}))
    assert keys.of(task()) == OTHER
    assert keys.of(task(**{SOURCE: "CRM_UI"})) == ""
