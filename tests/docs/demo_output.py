"""Checks that what the demo printed is what the README shows: `python -m tests.docs.demo_output < OUTPUT`.

How many calls and seconds it took differs from run to run, and with it where a line is folded; all else is the same.
"""

import re
import sys
from pathlib import Path

README = Path(__file__).parent.parent.parent / "README.md"


def shown() -> str:
    """The demo's output as the README shows it."""
    text = README.read_text(encoding="utf-8")
    block = re.search(r"<!-- demo output -->.*?```text\n(.*?)```", text, re.DOTALL)
    assert block is not None, "the README has no output of the demo"
    return block[1]


def told(output: str) -> list[str]:
    """The output from the demo's title on, without its counts and its folding."""
    begin = output.find("Creative Refresh handoffs: a client's cycle")
    return re.sub(r"\d+", "0", output[max(begin, 0) :]).split()


def main() -> int:
    got, wanted = told(sys.stdin.read()), told(shown())
    if got == wanted:
        print("the demo says what the README shows")
        return 0
    for place, (one, other) in enumerate(zip(got, wanted, strict=False)):
        if one != other:
            print("the demo says:  ", " ".join(got[max(0, place - 8) : place + 12]))
            print("the README says:", " ".join(wanted[max(0, place - 8) : place + 12]))
            break
    else:
        print(f"one ends before the other: {len(got)} words, the README has {len(wanted)}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
