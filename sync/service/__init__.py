"""The running service: put together from its parts, its lanes held, its worker and its receiver started and ended.

bootstrap.py  the composition root: settings in, a `Service` out; its `lanes()` are the one way to run passes
reading.py    `ReadingService`, the half of it that cannot write
lanes.py      lanes held under their locks; whoever holds one to run passes has it prepared
holder.py     telling whoever waits for a lane who holds it
drain.py      passing over all that is due in a lane, or in whichever is free; a sweep or a poll to its end
worker.py     drains, sweeps and polls until it is stopped
chores.py     each of these for itself: what goes wrong is borne with, kept and told
ping.py       a monitor's address, pinged while the service works
serve.py      receiver and worker under one command

The package may touch everything below it. It is the only one that builds the CRM's client, the mailer and the passes.
"""
