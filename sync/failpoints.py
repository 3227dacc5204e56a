"""Where a process may end: the hook that is called between any two steps of a pass. The crash tests end it there."""

from collections.abc import Callable

Failpoint = Callable[[str], None]
"""Called with the name of the step that is done, or about to be."""


def no_failpoint(_step: str) -> None:
    """What production does between two steps: nothing."""
