"""What people of a simulated agency call things: the process's own names, in the order in which the CRM lists them."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.simulation.player import NAMES

REQUESTED, DECLINED, SUBMITTED, PENDING, APPROVED, IMPLEMENTED = (value for value, _ in NAMES.statuses)
STATUSES = (REQUESTED, DECLINED, SUBMITTED, PENDING, APPROVED, IMPLEMENTED)
NEW, IN_PROGRESS, IN_REVIEW, DONE, CLOSED = (value for value, _ in NAMES.stages)
REVISIONS = tuple(value for value, _ in NAMES.revisions)
CADENCES = tuple(value for value, _ in NAMES.cadences)
SHORT_CADENCES = ("Weekly", "Weekly", "Every 2 weeks", "Every 3 weeks", "Monthly", "", "10")

KICKOFF, CREATE_TICKETS = "Contact Client", "Create Deliverable Tickets"
SHARE, IMPLEMENT = "Share Deliverables", "Implement New Creatives for Refresh"
WORK = ("Write Copy", "Design Graphics", "Revise Copy", "Revise Graphics")

NEW_MAPPINGS: Sequence[Mapping[str, Any]] = (
    {},
    {"rules": {"window_days": 10}},
    {"rules": {"window_days": 12}},
    {"rules": {"window_days": 25}},
    {"time_zone": "Pacific/Honolulu"},
    {"time_zone": "Pacific/Auckland"},
    {"rules": {"window_days": 13}, "time_zone": "Europe/Berlin"},
)
"""What an admin may change, against the packaged mapping, at each start of the service."""
