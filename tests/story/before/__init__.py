"""What earlier versions left behind: their databases, each with the CRM that it belongs to.

make.py        how these were made: run in a checkout of that version, it plays a month and writes both down
0.1, 0.2       what came of it: `handoffs.sql` is the database, `portal.json` the simulated CRM, `clients.json` who is where
bring_back.py  puts one of them into a `World` of today
"""
