"""Copies of a world, so that a story told once can be ended in a hundred ways: each in a forked process of its own."""

import os
import pickle
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

from tests.databases import copied, drop
from tests.world import World

T = TypeVar("T")


def in_copy(world: World, act: Callable[[World], T]) -> T:
    """Do `act` on a copy of the world (the sandbox, its clock, the database), and give what it returned.

    The world itself stays as it is. Nothing of it may be running; what `act` returns is pickled.
    """
    world.service.close()  # no connection of the parent's may be used on the other side
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        code = 1
        try:
            with os.fdopen(writing, "wb") as pipe:
                pickle.dump(_tried(world, act), pipe)
            code = 0
        finally:
            os._exit(code)  # nothing of pytest's may run twice
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    assert answer, "the copy ended without a word"
    done, result = pickle.loads(answer)
    assert done, result
    return cast("T", result)


def _tried(world: World, act: Callable[[World], T]) -> tuple[bool, T | str]:
    try:
        directory = Path(tempfile.mkdtemp(dir=world.directory))
        url = copied(world.settings.database_url, directory)
        world.directory = directory
        world.settings = world.settings.model_copy(update={"database_url": url})
        world.restart()
        result = act(world)
        world.service.close()
        drop(url)
    except BaseException:  # noqa: BLE001 - the end of this process: all that it can still do is to say why
        return False, traceback.format_exc()
    return True, result
