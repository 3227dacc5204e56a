"""The way in: a delivery is verified, then stored and its records enqueued in one commit, then answered. No call to the CRM.

`signature` (pure: genuine and recent?) → `events` (pure: bytes → events) → `app` (Flask: HTTP around `sync.storage.inbox`).
"""
