"""How long a test waits for another process or thread: a limit that only a failure reaches, never an expectation.

A machine that is busy with other things may take a hundred times as long as an idle one, and a test must not go red for
that. What has to be quick is measured by `tests/bench`, and judged by whoever reads its figures.
"""

PATIENCE = 240.0
"""Seconds after which what was waited for will not happen any more."""
