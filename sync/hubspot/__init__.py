"""HubSpot behind the port `sync.crm.CRM`: the only package that speaks HTTP to the CRM.

client.py     the port: which calls, in which batches, and what their answers come to
search.py     pure: cutting a search to HubSpot's limits
answers.py    pure: what HubSpot's JSON means, partial failures included
transport.py  one call: built, sent, judged, repeated where that is safe
"""

from sync.hubspot.client import API_VERSION, HubSpot
from sync.hubspot.transport import Call, RequestBudget, Retries

__all__ = ["API_VERSION", "Call", "HubSpot", "RequestBudget", "Retries"]
