"""Writes: each comes to one outcome a row, and none whose answer is lost is sent again."""

import json
from collections.abc import Callable

import pytest
import requests
import responses

from sync.crm import (
    Applied,
    AssociationType,
    Create,
    Kind,
    NotSent,
    Outcome,
    RecordRef,
    Rejected,
    Unknown,
)
from sync.errors import (
    AuthenticationError,
)
from sync.hubspot import HubSpot
from tests.contract.fakes import StandingClock
from tests.contract.hubspot.answers import (
    CORRELATION,
    LABELS,
    NOBODY_KNOWS,
    NOTHING_DONE,
    PORTFOLIO_SCHEMA,
    SCHEMAS,
    TASK_CREATES,
    TICKET_UPDATES,
    Json,
    Reply,
    answer_all,
    each,
    error,
    kinds,
    listing,
    missing,
    raw,
    reset,
    sent,
    sent_ids,
    updates,
)


def refuse(
    *bad: str, status: int = 400, body: Json | None = None
) -> Callable[[requests.PreparedRequest], tuple[int, dict[str, str], str]]:
    """Fails a batch as a whole if one of these is in it."""

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        marks = {item["objectWriteTraceId"] for item in json.loads(request.body or "{}")["inputs"]}
        if marks & set(bad):
            return status, {}, json.dumps(body if body is not None else error("bad row", category="VALIDATION_ERROR"))
        return answer_all(request)

    return answer


def creates(*traces: str) -> list[Create]:
    return [Create(trace, {"handoff_key": trace, "hs_task_priority": "HIGH"}) for trace in traces]


Write = Callable[[HubSpot], list[Outcome]]


WRITES = pytest.mark.parametrize(
    ("url", "write"),
    [
        pytest.param(TICKET_UPDATES, lambda crm: crm.update(Kind.TICKET, updates("1", "2")), id="update"),
        pytest.param(TASK_CREATES, lambda crm: crm.create(Kind.TASK, creates("1", "2")), id="create"),
    ],
)


@WRITES
class TestWrites:
    @each(NOBODY_KNOWS)
    def test_without_a_trustworthy_answer_are_unknown_and_never_repeated(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write, reply: Reply
    ) -> None:
        reply.add(api, url)
        assert kinds(write(hubspot)) == [Unknown, Unknown]
        assert len(api.calls) == 1

    @each(NOTHING_DONE)
    def test_that_certainly_did_nothing_are_repeated(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write, reply: Reply
    ) -> None:
        reply.add(api, url)
        api.add_callback("POST", url, answer_all)
        assert kinds(write(hubspot)) == [Applied, Applied]
        assert len(api.calls) == 2

    @each(NOTHING_DONE)
    def test_and_in_the_end_not_sent(
        self, api: responses.RequestsMock, hubspot: HubSpot, clock: StandingClock, url: str, write: Write, reply: Reply
    ) -> None:
        reply.add(api, url)
        assert kinds(write(hubspot)) == [NotSent, NotSent]
        assert 40 < sum(clock.slept) <= 60

    def test_repeated_once_and_then_lost_are_unknown(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=429, json=error())
        Reply(failure=reset).add(api, url)
        assert kinds(write(hubspot)) == [Unknown, Unknown]
        assert len(api.calls) == 2

    def test_of_a_day_used_up_are_not_sent(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=429, json=error(policyName="DAILY"))
        assert kinds(write(hubspot)) == [NotSent, NotSent]
        assert len(api.calls) == 1

    def test_a_redirect_is_unknown_and_not_followed(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=307, headers={"Location": "https://elsewhere.test/x"}, body="{}")
        assert kinds(write(hubspot)) == [Unknown, Unknown]
        assert len(api.calls) == 1

    @pytest.mark.parametrize("status", [400, 404, 409])
    def test_one_bad_row_fails_only_itself(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write, status: int
    ) -> None:
        api.add_callback("POST", url, refuse("2", status=status))
        first, second = write(hubspot)
        assert isinstance(first, Applied)
        assert isinstance(second, Rejected)
        assert (second.category, second.correlation_id) == ("VALIDATION_ERROR", CORRELATION)
        assert not second.missing
        assert len(api.calls) == 3

    def test_other_refusals_are_for_all_of_them(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=422, json=error())
        assert kinds(write(hubspot)) == [Rejected, Rejected]
        assert len(api.calls) == 1

    @pytest.mark.parametrize("status", [401, 403])
    def test_a_refused_token_is_raised(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write, status: int
    ) -> None:
        api.post(url, status=status, json=error())
        with pytest.raises(AuthenticationError):
            write(hubspot)

    def test_but_not_over_what_was_applied(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=400, json=error())  # both
        api.add_callback("POST", url, answer_all)  # the first half
        api.post(url, status=401, json=error())
        assert kinds(write(hubspot)) == [Applied, NotSent]

    def test_without_results_and_errors_are_unknown(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, json=listing())
        assert kinds(write(hubspot)) == [Unknown, Unknown]

    def test_errors_that_name_nobody_leave_the_rest_unknown(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        api.post(url, status=207, json=listing({**raw("1"), "objectWriteTraceId": "1"}, errors=[error("which?")]))
        outcomes = write(hubspot)
        assert kinds(outcomes) == [Applied, Unknown]
        assert "which?" in str(outcomes[1])

    @pytest.mark.parametrize(
        ("category", "outcome"),
        [
            ("VALIDATION_ERROR", Rejected),
            ("", Rejected),
            ("OBJECT_NOT_FOUND", Rejected),
            ("RATE_LIMITS", NotSent),
            ("INTERNAL_ERROR", Unknown),
        ],
    )
    def test_what_an_error_of_one_row_comes_to(
        self,
        api: responses.RequestsMock,
        hubspot: HubSpot,
        url: str,
        write: Write,
        category: str,
        outcome: type[Outcome],
    ) -> None:
        problem = {"message": "no", "category": category, "context": {"objectWriteTraceId": ["2"]}}
        done = {**raw("1"), "objectWriteTraceId": "1"}
        api.post(url, status=207, json=listing(done, errors=[problem], correlationId=CORRELATION))
        outcomes = write(hubspot)
        assert kinds(outcomes) == [Applied, outcome]
        if isinstance(outcomes[1], Rejected):
            assert outcomes[1].missing is (category == "OBJECT_NOT_FOUND")
            assert outcomes[1].correlation_id == CORRELATION

    def test_a_row_both_confirmed_and_refused_is_unknown(
        self, api: responses.RequestsMock, hubspot: HubSpot, url: str, write: Write
    ) -> None:
        done = [{**raw(mark), "objectWriteTraceId": mark} for mark in ("1", "2")]
        api.post(url, status=207, json=listing(*done, errors=[error(context={"objectWriteTraceId": ["2"]})]))
        assert kinds(write(hubspot)) == [Applied, Unknown]


class TestUpdating:
    def test_one_outcome_each_in_the_order_given(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TICKET_UPDATES, answer_all)
        ids = [str(number) for number in range(250, 0, -1)]
        assert hubspot.update(Kind.TICKET, updates(*ids)) == [Applied(id_) for id_ in ids]
        assert [len(batch) for batch in sent_ids(api)] == [100, 100, 50]

    def test_one_error_may_name_several(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKET_UPDATES, status=207, json=listing(raw("2"), errors=[missing("1", "3")]))
        outcomes = hubspot.update(Kind.TICKET, updates("1", "2", "3"))
        assert kinds(outcomes) == [Rejected, Applied, Rejected]
        assert [outcome.missing for outcome in outcomes if isinstance(outcome, Rejected)] == [True, True]

    def test_an_error_that_names_nobody_is_about_the_only_one(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        api.post(TICKET_UPDATES, status=207, json=listing(errors=[missing()]))
        assert kinds(hubspot.update(Kind.TICKET, updates("1"))) == [Rejected]

    @pytest.mark.parametrize(("body", "gone"), [(missing(), True), (error("resource not found"), False), ({}, False)])
    def test_gone_only_by_the_crms_word_not_by_a_wrong_path(
        self, api: responses.RequestsMock, hubspot: HubSpot, body: Json, gone: bool
    ) -> None:
        api.post(TICKET_UPDATES, status=404, json=body)
        (outcome,) = hubspot.update(Kind.TICKET, updates("1"))
        assert isinstance(outcome, Rejected)
        assert outcome.missing is gone

    def test_bad_rows_are_found_by_halves(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TICKET_UPDATES, refuse("3", "90"))
        outcomes = hubspot.update(Kind.TICKET, updates(*map(str, range(1, 101))))
        assert [place for place, one in enumerate(outcomes, 1) if isinstance(one, Rejected)] == [3, 90]
        assert kinds(outcomes).count(Applied) == 98
        assert len(api.calls) < 30

    def test_a_half_that_is_lost_is_unknown(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKET_UPDATES, status=400, json=error())
        Reply(failure=reset).add(api, TICKET_UPDATES)
        api.add_callback("POST", TICKET_UPDATES, answer_all)
        assert kinds(hubspot.update(Kind.TICKET, updates("1", "2", "3", "4"))) == [Unknown, Unknown, Applied, Applied]

    def test_one_record_twice_goes_in_two_calls_in_order(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TICKET_UPDATES, answer_all)
        assert hubspot.update(Kind.TICKET, updates("1", "2", "1")) == [Applied("1"), Applied("2"), Applied("1")]
        assert sent_ids(api) == [["1", "2"], ["1"]]
        assert sent(api)["inputs"][0]["properties"] == {"subject": "new 2"}

    def test_and_the_second_waits_while_the_first_may_still_land(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        Reply(failure=reset).add(api, TICKET_UPDATES)
        assert kinds(hubspot.update(Kind.TICKET, updates("1", "1"))) == [Unknown, NotSent]
        assert len(api.calls) == 1

    def test_a_merged_record_is_applied_to_its_survivor(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TICKET_UPDATES, json=listing(raw("9"), raw("2")))
        assert hubspot.update(Kind.TICKET, updates("1", "2")) == [Applied("9"), Applied("2")]

    def test_what_is_no_id_is_never_sent(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TICKET_UPDATES, answer_all)
        assert kinds(hubspot.update(Kind.TICKET, updates("../1", "2"))) == [Rejected, Applied]
        assert sent_ids(api) == [["2"]]

    def test_a_portfolio_whose_type_cannot_be_found_now_is_not_sent(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        api.get(SCHEMAS, status=503, json=error())
        assert kinds(hubspot.update(Kind.PORTFOLIO, updates("1"))) == [NotSent]

    def test_a_token_refused_in_a_later_batch_keeps_the_earlier_outcomes(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        api.add_callback("POST", TICKET_UPDATES, answer_all)
        api.post(TICKET_UPDATES, status=401, json=error())
        outcomes = hubspot.update(Kind.TICKET, updates(*map(str, range(1, 151))))
        assert kinds(outcomes) == [Applied] * 100 + [NotSent] * 50


class TestCreating:
    def test_with_associations_from_the_first_moment(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_CREATES, status=201, json=listing({**raw("70"), "objectWriteTraceId": "t"}))
        task = Create("t", {"hs_task_subject": "Look"}, (RecordRef(Kind.TICKET, "5"),))
        assert hubspot.create(Kind.TASK, [task]) == [Applied("70")]
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 230}]
        assert sent(api) == {
            "inputs": [
                {
                    "objectWriteTraceId": "t",
                    "properties": {"hs_task_subject": "Look"},
                    "associations": [{"to": {"id": "5"}, "types": types}],
                }
            ]
        }

    def test_results_are_matched_by_trace(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        made = [{**raw(id_), "objectWriteTraceId": trace} for id_, trace in (("72", "c"), ("70", "a"))]
        problem = {"message": "no owner", "category": "VALIDATION_ERROR", "context": {"objectWriteTraceId": ["b"]}}
        api.post(TASK_CREATES, status=207, json=listing(*made, errors=[problem]))
        outcomes = hubspot.create(Kind.TASK, creates("a", "b", "c"))
        assert outcomes[::2] == [Applied("70"), Applied("72")]
        assert isinstance(outcomes[1], Rejected)

    def test_or_by_a_value_of_their_own_should_the_trace_be_left_out(
        self, api: responses.RequestsMock, hubspot: HubSpot
    ) -> None:
        made = [raw(id_, handoff_key=key, hs_task_priority="HIGH") for id_, key in (("71", "b"), ("70", "a"))]
        api.post(TASK_CREATES, status=201, json=listing(*made))
        assert hubspot.create(Kind.TASK, creates("a", "b")) == [Applied("70"), Applied("71")]

    def test_and_by_nothing_less(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.post(TASK_CREATES, status=201, json=listing(*(raw(id_, hs_task_priority="HIGH") for id_ in ("70", "71"))))
        assert kinds(hubspot.create(Kind.TASK, creates("a", "b"))) == [Unknown, Unknown]

    def test_one_trace_twice_goes_in_two_calls(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TASK_CREATES, answer_all)
        assert kinds(hubspot.create(Kind.TASK, creates("a", "a"))) == [Applied, Applied]
        assert len(api.calls) == 2

    def test_in_batches(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.add_callback("POST", TASK_CREATES, answer_all)
        assert kinds(hubspot.create(Kind.TASK, creates(*map(str, range(250))))) == [Applied] * 250
        assert len(api.calls) == 3

    def test_on_a_portfolio_by_the_portals_own_type(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.get(SCHEMAS, json=listing(PORTFOLIO_SCHEMA))
        rows = [
            {"category": "USER_DEFINED", "typeId": 41, "label": "Owner task"},
            {"category": "HUBSPOT_DEFINED", "typeId": 43, "label": "Primary"},
            {"category": "USER_DEFINED", "typeId": 42, "label": None},
        ]
        api.get(LABELS, json=listing(*rows))
        api.add_callback("POST", TASK_CREATES, answer_all)
        for trace in ("a", "b"):
            hubspot.create(Kind.TASK, [Create(trace, {}, (RecordRef(Kind.PORTFOLIO, "5"),))])
        (association,) = sent(api)["inputs"][0]["associations"]
        assert association["types"] == [{"associationCategory": "USER_DEFINED", "associationTypeId": 42}]
        assert len(api.calls) == 4  # schema and labels once
        assert hubspot.association_type(Kind.NOTE, Kind.TICKET) == AssociationType("HUBSPOT_DEFINED", 228)

    @pytest.mark.parametrize(
        "labels",
        [
            Reply(503, error()),
            Reply(200, listing({"category": "USER_DEFINED", "typeId": 41, "label": "x"})),
            Reply(404, error()),
        ],
    )
    def test_without_that_type_it_is_not_sent_and_the_others_are(
        self, api: responses.RequestsMock, hubspot: HubSpot, labels: Reply
    ) -> None:
        api.get(SCHEMAS, json=listing(PORTFOLIO_SCHEMA))
        labels.add(api, LABELS, "GET")
        api.add_callback("POST", TASK_CREATES, answer_all)
        tasks = [Create("a", {}, (RecordRef(Kind.PORTFOLIO, "5"),)), Create("b", {}, (RecordRef(Kind.TICKET, "6"),))]
        assert kinds(hubspot.create(Kind.TASK, tasks)) == [NotSent, Applied]

    def test_a_refused_token_on_the_way_is_raised(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        api.get(SCHEMAS, status=401, json=error())
        with pytest.raises(AuthenticationError):
            hubspot.create(Kind.TASK, [Create("a", {}, (RecordRef(Kind.PORTFOLIO, "5"),))])

    def test_on_what_is_no_record_it_is_refused(self, api: responses.RequestsMock, hubspot: HubSpot) -> None:
        assert kinds(hubspot.create(Kind.TASK, [Create("a", {}, (RecordRef(Kind.TICKET, "x"),))])) == [Rejected]
        assert not api.calls


VALUES = "Property values were not valid: "


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            VALUES
            + '[{"isValid":false,"message":"No colons.","error":"VALIDATION_RULE_VIOLATION","name":"hs_task_subject",'
            '"portalId":1},{"isValid":false,"message":"","error":"REQUIRED_FIELD","name":"team"}]',
            VALUES + "hs_task_subject: No colons.; team: REQUIRED_FIELD",
        ),
        (VALUES + '[{"message": "cut off', VALUES + '[{"message": "cut off'),
        (VALUES + '[{"name": "x"}, 1]', VALUES + '[{"name": "x"}, 1]'),
        ("2019 was not one of the allowed options: [a, b]", "2019 was not one of the allowed options: [a, b]"),
    ],
    ids=["a list", "cut off", "no objects", "no list"],
)
def test_why_values_were_refused_is_told_as_people_write_it(
    api: responses.RequestsMock, hubspot: HubSpot, said: str, told: str
) -> None:
    """docs/hubspot.md 4.11: the list of properties is JSON in the midst of the message."""
    body = error(said, category="VALIDATION_ERROR")
    api.add_callback("POST", TASK_CREATES, refuse("a", body=body))
    [outcome] = hubspot.create(Kind.TASK, creates("a"))
    assert isinstance(outcome, Rejected)
    assert f": 400, {told} (category" in outcome.message
