"""Faults planted one at a time, to show that the simulation finds them: `python -m tests.mutation`, nightly.

The faults: in what is to be done `first_handoffs`, `announced_sets`, `last_handoffs` and `rules`; in that it is done once
`deliveries`, `protocol`, `writes`, `workers`, `databases`, `sweeps` and `aftermath`; in what the CRM says, and when,
`answers`, `exchanges` and `clocks`; in what people see `bounds`, `commands`, `letters` and `sight`. `decisions` names rows of
the decision table, `mutant` is what a fault is.

`copies` plants it in a copy of the tree; `hunt` plays seeds there until one fails, and `second_opinion` asks the sound tree's
`verify` about it; `__main__` does it for all of them and tells what came of each.
"""
