"""`handoffs sandbox`: the simulated HubSpot from a shell.

run          the simulated CRM itself, until Ctrl-C
do           act in a running one as people do
show         what is in it
clock        show or move its clock
now          a command of the service, by its clock
fault        let its calls fail
words        what people type, and what is right
connection   how these reach it: its control API
"""

from sync.commands.sandbox import clock, do, fault, now, show
from sync.commands.sandbox.run import sandbox

for _command in (do.do, show.show, clock.clock, now.now, fault.fault):
    sandbox.add_command(_command)

__all__ = ["sandbox"]
