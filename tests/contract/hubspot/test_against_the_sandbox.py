"""The client and the sandbox understand each other, whichever way HubSpot is."""

from collections.abc import Iterator

import pytest
import requests

from sync.crm import (
    Applied,
    Create,
    Kind,
    RecordRef,
    Rejected,
    Update,
)
from sync.hubspot import HubSpot
from sync.sandbox import Quirks, Sandbox
from tests.contract.hubspot.answers import FreeBudget, kinds

EITHER_WAY = {
    "as expected": Quirks(),
    "errors named apart": Quirks(group_missing_ids=False, group_no_associations=True),
    "partial failures always": Quirks(create_partial_failure="always", update_partial_failure="always"),
    "partial failures never": Quirks(create_partial_failure="never", update_partial_failure="never"),
    "survivors twice": Quirks(merged_read_duplicates=True, merged_association_from="asked"),
    "the primary stays": Quirks(merge_keeps_primary=True, association_ids="string", primary_label=None),
    "other values": Quirks(cleared_reads_as="empty", empty_history="absent", history_limit=None),
}


@pytest.mark.parametrize("quirks", EITHER_WAY.values(), ids=EITHER_WAY.keys())
class TestAgainstTheSandbox:
    """What could not be confirmed of HubSpot comes to the same at the port, whichever way it is."""

    @pytest.fixture
    def sandbox(self, quirks: Quirks) -> Sandbox:
        return Sandbox(quirks=quirks, with_task_property=True, association_page=2)

    @pytest.fixture
    def crm(self, sandbox: Sandbox, budget: FreeBudget) -> Iterator[HubSpot]:
        with sandbox.mount(requests.Session()) as session:
            yield HubSpot(
                token=sandbox.token,
                base_url="https://api.hubapi.test",
                portfolio_object=sandbox.process.names.object_name,
                budget=budget,
                clock=sandbox.clock,
                session=session,
            )

    def test_reading(self, sandbox: Sandbox, crm: HubSpot) -> None:
        people, names = sandbox.people, sandbox.process.names
        kept, merged, gone, bare = (people.create_portfolio(name) for name in ("Kept", "Merged", "Gone", "Bare"))
        tickets = [people.create_ticket(f"Ticket {number}", portfolios=kept) for number in range(5)]
        survivor = people.merge("portfolio", kept, merged)
        people.archive("portfolio", gone)
        people.set_status(bare, "Creatives Implemented")
        people.set_status(bare, "")
        asked = [kept, merged, gone, bare, "4711"]
        found = crm.read(Kind.PORTFOLIO, asked, [names.name], [names.status, names.date])
        assert {id_: record.id for id_, record in found.items()} == {kept: survivor, merged: survivor, bare: bare}
        assert [version.value for version in found[bare].history[names.status]][:2] == ["", "Creatives Implemented"]
        assert found[bare].properties[names.status] == ""
        ends = crm.associated(Kind.PORTFOLIO, Kind.TICKET, asked)
        assert {id_: sorted(end.to for end in far) for id_, far in ends.items()} == {
            kept: sorted(tickets),
            merged: sorted(tickets),
            bare: [],
        }

    def test_writing(self, sandbox: Sandbox, crm: HubSpot) -> None:
        portfolio = sandbox.people.create_portfolio("Acme")
        ticket = sandbox.people.create_ticket("Banner", portfolios=portfolio)
        refs = (RecordRef(Kind.PORTFOLIO, portfolio), RecordRef(Kind.TICKET, ticket))
        due = {"hs_timestamp": "2026-11-02T09:00:00Z"}
        good = [Create(f"k{n}", {"hs_task_subject": f"Look {n}", "handoff_key": f"k{n}", **due}, refs) for n in (1, 2)]
        bad = Create("k3", {"hs_task_subject": "No time"}, refs)
        outcomes = crm.create(Kind.TASK, [good[0], bad, good[1]])
        assert kinds(outcomes) == [Applied, Rejected, Applied]
        made = [outcome.id for outcome in outcomes if isinstance(outcome, Applied)]
        assert [sandbox.people.task(id_).key for id_ in made] == ["k1", "k2"]
        for kind, record in (("portfolio", portfolio), ("ticket", ticket)):
            assert [task.id for task in sandbox.people.tasks(kind, record)] == made
        changes = [
            Update(made[0], {"hs_task_status": "COMPLETED"}),
            Update("4711", {"hs_task_status": "COMPLETED"}),
            Update(made[1], {"hs_task_status": "NO_SUCH_STATUS"}),
            Update(made[0], {"hs_task_status": "WAITING"}),
        ]
        outcomes = crm.update(Kind.TASK, changes)
        assert kinds(outcomes) == [Applied, Rejected, Rejected, Applied]
        assert [one.missing for one in outcomes if isinstance(one, Rejected)] == [True, False]
        assert sandbox.people.task(made[0]).status == "WAITING"

    def test_the_portal(self, sandbox: Sandbox, crm: HubSpot) -> None:
        assert crm.account().portal_id == str(sandbox.portal.account.portal_id)
        assert {owner.id for owner in crm.owners().values()} >= set(sandbox.process.owners.values())
        assert any(stage.closed for pipeline in crm.pipelines() for stage in pipeline.stages)
        assert sandbox.process.names.status in crm.properties(Kind.PORTFOLIO)
        crm.send_single_email("7", "key", "am@x.test", {"subject": "Hello"})
        crm.send_single_email("7", "key", "am@x.test", {"subject": "Hello"})
        assert len(sandbox.people.emails()) == 1

    def test_searching(self, sandbox: Sandbox, crm: HubSpot) -> None:
        ids = [sandbox.people.create_portfolio(f"Client {number}") for number in range(450)]
        sandbox.people.flush_search()
        assert [record.id for record in crm.search(Kind.PORTFOLIO, [])] == sorted(ids, key=int)
