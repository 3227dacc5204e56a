"""The words of the decision table: scenes that rows begin with, and the effects that they name.

The names of scenes say how far a cycle has come; what `look()` did before is done.
"""

from datetime import date

from mappings.vocabulary import Revision, Role, Stage, Status, TaskKind
from sync.rules.model import NewTask, State, Write
from tests.builders import OWNERS, Scene, effects_of

EMPTY = None
REQUESTED = Status.REFRESH_REQUEST_SUBMITTED
DECLINED = Status.NO_REFRESH_REQUESTED
SUBMITTED = Status.DELIVERABLES_SUBMITTED
IN_REVIEW = Status.CREATIVES_PENDING_APPROVAL
APPROVED = Status.CREATIVES_APPROVED
IMPLEMENTED = Status.CREATIVES_IMPLEMENTED

PENDING = Stage.PENDING_APPROVAL
COPY, GRAPHIC, BOTH = Revision.COPY, Revision.GRAPHIC, Revision.COPY_AND_GRAPHIC
AM, SAS, WRITER, DESIGNER = OWNERS
SHARE = TaskKind.SHARE_DELIVERABLES

DONE, DUE, WAITING, BLOCKED, SUPERSEDED = State.DONE, State.DUE, State.WAITING, State.BLOCKED, State.SUPERSEDED
SILENT = State.NOT_APPLICABLE

NOTHING: list[str] = []
KICKOFF = ["1 task kickoff for am", "1 email kickoff to am"]
LEFTOVER_CLEARED = ["1 write 101: creative_refresh_status="]
ARRIVED = ["3 task create_tickets for sas", "3 email date_arrived to sas"]
MADE = ["4 task write_copy for copy", "4 task design_graphics for design"]
ADVANCE = ["5 write 101: creative_refresh_status=Creatives Pending Approval"]
ANNOUNCE = [
    "5 task share_deliverables for am",
    "5 email set_ready_account_manager to am",
    "5 email set_ready_social_ad_specialist to sas",
]
READY = ADVANCE + ANNOUNCE
CLOSE_SHARE = "5 close share_deliverables"
ANNOUNCE_AGAIN = [ANNOUNCE[0], CLOSE_SHARE, *ANNOUNCE[1:]]
REVISE_COPY = "6 task revise_copy for copy"
REVISE_GRAPHICS = "6 task revise_graphics for design"
CLOSE_COPY = "6 close revise_copy"
EMPTIED = "6 write 201: needs_revisions="
IMPLEMENT = ["7 task implement for sas", "7 email client_approved to sas"]
BY_TASK = ["8 write 101: creative_refresh_status=Creatives Implemented"]
LEFTOVERS = [
    f"8 close {kind}"
    for kind in (
        "kickoff", "create_tickets", "write_copy", "design_graphics", "write_copy", "design_graphics", "share_deliverables",
    )
]  # fmt: skip
"""What is open of a cycle in review of which nobody has completed anything."""
CONFIRM = ["9 email refresh_live to am"]


def moved_to(when: date) -> list[str]:
    return [f"2a write 101: creative_refresh_date={when}"]


def reset_to(when: date) -> list[str]:
    return [f"8 write 101: creative_refresh_date={when}, creative_refresh_status="]


def blocked(effects: list[str]) -> list[str]:
    return [f"{effect} (blocked)" for effect in effects]


def kicked_back(*approvals: str) -> str:
    fields = [*(f"{name}_approval=" for name in approvals), "hs_pipeline_stage=stage-in-progress"]
    return f"6 write 201: {', '.join(fields)}"


# Scenes that later handoffs begin with


def quiet() -> Scene:
    return Scene()


def begun(scene: Scene | None = None) -> Scene:
    """The date has come; the kickoff and the SAS's task are out."""
    return (scene or quiet()).date(0).look()


def submitted(scene: Scene | None = None) -> Scene:
    """Two tickets of one Ad Set are in the works, the status is Deliverables Submitted."""
    return begun(scene).ticket("201").ticket("202").status(SUBMITTED).look()


def in_review(scene: Scene | None = None) -> Scene:
    """Both tickets are in Pending Approval and announced."""
    return submitted(scene).move("201", "202").look()


def approved() -> Scene:
    """The client has approved; the SAS has the implementation task."""
    return in_review().status(APPROVED).look()


def closed() -> Scene:
    """The creatives are implemented and the cycle is closed; the date is a month ahead."""
    return approved().status(IMPLEMENTED).look()


def closed_in_a_word_to_come() -> Scene:
    """The same, but an admin had moved the record before to a word that the mapping did not name yet."""
    return approved().status(IMPLEMENTED).status(Status.UNMAPPED).look()


def moved_to_february(scene: Scene) -> Scene:
    """Chosen was 31 January 2027, ten days ahead; the client declined, and the service has moved it to February's last day."""
    return scene.later(days=80).date(10).look().status(DECLINED).look()


def declined_again(scene: Scene) -> Scene:
    """The next cycle is declined as well."""
    return scene.status(EMPTY).status(DECLINED)


def young(status: Status | None = None) -> Scene:
    """Two fresh tickets of one folder, at work, in an early status."""
    scene = begun() if status is None else begun().status(status)
    return scene.ticket("201").ticket("202").look()


def in_revision(*values: Revision) -> Scene:
    return in_review().approve("201").revise("201", *values).look()


def again(scene: Scene) -> Scene:
    """The copywriter does what the article asks for and ticks no task; then the client wants one more change."""
    return scene.approve("201").move("201").look().revise("201", COPY).look()


def lone(owners: dict[Role, str] | None = None) -> Scene:
    """A ticket without a portfolio."""
    scene = quiet().ticket("201", owners=owners)
    scene.lone = True
    return scene


def associated(scene: Scene) -> Scene:
    scene.lone = False
    return scene


def tasks_of(scene: Scene) -> dict[TaskKind, NewTask]:
    return {effect.kind: effect for effect in effects_of(scene.decide()) if isinstance(effect, NewTask)}


def writes_of(scene: Scene) -> list[Write]:
    return [effect for effect in effects_of(scene.decide()) if isinstance(effect, Write)]
