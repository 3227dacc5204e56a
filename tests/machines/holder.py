"""A process that holds lanes when it is told to, for the machine that kills it."""

from contextlib import ExitStack, suppress
from multiprocessing.connection import Connection

from sync.service.lanes import Lanes, never
from sync.storage.database import open_store


class PassError(Exception):
    """What may go wrong in a pass."""


def hold(orders: Connection, databases: dict[str, str]) -> None:
    """Carry orders out, each a (verb, lane, database's name), until the other end closes.

    `try` answers whether the lane was free; `wait` answers once it is; `release` and `fail` leave it, in order or by an
    exception, and answer too.
    """
    lanes = {name: Lanes(open_store(url)) for name, url in databases.items()}
    held: dict[int, ExitStack] = {}
    while True:
        try:
            verb, lane, name = orders.recv()
        except EOFError:
            return
        if verb in {"try", "wait"}:
            stack = ExitStack()
            asked = iter([False])
            stop = never if verb == "wait" else lambda asked=asked: next(asked, True)
            mine = stack.enter_context(lanes[name].held(lane, stop))
            if mine is not None:
                held[lane] = stack
            orders.send((verb, lane, mine is not None))
        else:
            with suppress(PassError), held.pop(lane):
                _pass(verb)
            orders.send((verb, lane, True))


def _pass(verb: str) -> None:
    if verb == "fail":
        raise PassError
