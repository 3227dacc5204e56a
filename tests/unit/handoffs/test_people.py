"""Who does the work of a role, the first of several who are named (docs/process.md P.1)."""

from mappings.vocabulary import Role
from tests.builders import STAND_IN, Scene, mapping


def test_the_stand_in_comes_last() -> None:
    scene = Scene(mapping(fallbacks=True)).ticket("201", owners={Role.COPYWRITER: "own-copy"})
    context = scene.context()
    assert context.owner(Role.COPYWRITER, scene.tickets["201"]) == ("own-copy", None)
    assert context.owner(Role.COPYWRITER) == ("copy", None)
    assert scene.nobody(Role.COPYWRITER).context().owner(Role.COPYWRITER) == (STAND_IN, None)


def test_who_has_left_gets_no_work() -> None:
    scene = Scene(mapping()).ticket("201", owners={Role.COPYWRITER: "left"})
    context = scene.context()
    assert context.owner(Role.COPYWRITER, scene.tickets["201"]) == ("copy", None)
