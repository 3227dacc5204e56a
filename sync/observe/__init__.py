"""How the service is doing, and telling it: asked of the database alone, so that it answers while the CRM is down.

health.py   can it do its work? for `/readyz` and `handoffs status`
running.py  who gives signs of life, and who does not;  agreement.py  by the same clock and mapping as whoever asks?
status.py   all that `handoffs status` shows
metrics.py  all that `/metrics` shows
alerts.py   emails to the admin, one a kind and hour at most

The package may read the database; only alerts.py writes (which alerts were sent) and sends. It never calls the CRM.
"""
