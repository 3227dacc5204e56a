"""Says, from docs/process.md alone, what must and must not have come of what people did.

`judge` walks through the event log; `records` is what the CRM shows at that moment, with all its versions; `handoffs` is
what is due of it, `calendar` on which day; `effects` is whether the service did just that, and
`audit` whether it may write so at all; `due_looks` is what it must have looked at by then.
"""

from tests.simulation.oracle.finding import Finding
from tests.simulation.oracle.judge import Oracle

__all__ = ["Finding", "Oracle"]
