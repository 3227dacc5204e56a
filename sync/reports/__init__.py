"""Where the time goes: lead times of clients' cycles, out of what the database keeps. No call to the CRM.

versions, closings, kickoffs → cycles (turns, spans, rounds) → report (groups, statistics) → text, CSV, JSON, HTML
"""
