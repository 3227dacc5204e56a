"""A simulated HubSpot: the one fake of this project, for tests, the demo, and trying things by hand.

It behaves as docs/hubspot.md says; what is not confirmed there is a switch in `Quirks`. It is deterministic: the same
arguments and the same calls give the same bytes. Production code does not import it.

    clock        virtual time, manual or ticking
    schema       object types, properties, pipelines, owners, association types
    values       what a property accepts, and how it is shown
    records      a record with its history; index: what searches see of it, some seconds late
    portal       the state, and every change that can be made to it
    quirks       the uncertain behaviours
    api          requests to answers: token, limits, faults, scopes, endpoint, log
      routes       which paths are answered: those of 2026-09, and those of v3 and v4 that the official SDKs call
      call         what endpoints share; api_objects, api_associations, api_search, api_properties, api_pipelines,
                   api_metadata, api_definitions: the endpoints
      limits       190 per 10 s, 5 searches per s, a day's allowance
      faults       failures on demand
      request_log  what was asked;  recorder: the exchanges themselves, for `python -m tests.contract`
    wire         requests and answers without HTTP
    transport    `requests` straight to the API;  server + control: over a socket, with `/_sandbox/…` beside it
    delivery     webhooks, signed (signing), late, doubled, lost, retried
    process      what the Creative Refresh is called in a portal;  seed: its objects, stages and people
    situations   portals that have been in use
    acts, people the people of the agency, in-process or over the control API
    mail         an SMTP server that keeps what it is sent
    sandbox      all of it put together
    standalone   a sandbox in a process of its own;  service: the real service on its clock
    demo         a client's cycle, played with these two
"""

from sync.sandbox.clock import VirtualClock
from sync.sandbox.delivery import CHAOS, DeliveryMode
from sync.sandbox.faults import Fault
from sync.sandbox.limits import Budget
from sync.sandbox.mail import MailFault, SmtpSink
from sync.sandbox.people import People, RemotePeople
from sync.sandbox.process import Names, Process
from sync.sandbox.quirks import Quirks
from sync.sandbox.sandbox import Sandbox
from sync.sandbox.server import SandboxServer
from sync.sandbox.situations import populate

__all__ = [
    "CHAOS",
    "Budget",
    "DeliveryMode",
    "Fault",
    "MailFault",
    "Names",
    "People",
    "Process",
    "Quirks",
    "RemotePeople",
    "Sandbox",
    "SandboxServer",
    "SmtpSink",
    "VirtualClock",
    "populate",
]
