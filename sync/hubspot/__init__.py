"""HubSpot behind the port `sync.crm.CRM`: the only package that speaks HTTP to the CRM.

client.py       the port, put together; `HubSpotReader` is the half that changes nothing
records.py      reading records: by id, by association, by search
writes.py       writing records, each with its outcome
portal.py       account, people, pipelines and definitions
single_send.py  emails
calls.py        what every call shares: version, priority, the ids of objects
batches.py      pure: batches of inputs, and what became of each row of a write
search.py       pure: cutting a search to HubSpot's limits
answers.py      pure: what HubSpot's JSON means, partial failures included
transport.py    one call: built, sent, repeated where that is safe, and counted
verdict.py      pure: what its response means
session.py      the connections: a pool, and a deadline for every answer
ask.py          what a call is, and how it ends without an answer
"""

from sync.hubspot.ask import Call, RequestBudget, Retries
from sync.hubspot.calls import API_VERSION
from sync.hubspot.client import HubSpot, HubSpotReader

__all__ = ["API_VERSION", "Call", "HubSpot", "HubSpotReader", "RequestBudget", "Retries"]
