"""What a command printed when somebody last read it and found it good.

`GOLDEN=write` in the environment keeps what is printed now: read the difference before it is committed.
"""

import os
from pathlib import Path

KEPT = Path(__file__).with_name("golden")


def golden(name: str, now: str) -> str:
    """The kept text of this name."""
    path = KEPT / name
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(now, encoding="utf-8")
    return path.read_text(encoding="utf-8")
