"""Says, from handoffs.md alone, what must and must not have come of what people did. See `judge`."""

from tests.simulation.oracle.judge import Finding, Oracle

__all__ = ["Finding", "Oracle"]
