"""Faults planted one at a time, to show that the simulation finds them: `python -m tests.mutation`, nightly.

`rules`, `protocol`, `writes`, `bounds`, `commands` and `sweeps` are the faults, `mutant` is what one is; `copies` plants it
in a copy of the tree; `hunt` plays seeds there until one fails, and `second_opinion` asks the sound tree's `verify` about
it; `__main__` does it for all of them and tells what came of each.
"""
