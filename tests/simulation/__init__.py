"""Weeks of an agency's life in a second: people, faults and crashes from one seed, judged by an independent oracle.

`world` is the real pipeline beside the sandbox, made fast and deterministic; `author` makes up what people do and what
breaks; `script` is that as data, so that it can be replayed and shrunk; `player` carries it out; `event_log` writes down
what happened; `oracle` says from docs/process.md alone what must and must not have come of it.
"""
