"""The way in: a delivery is verified, stored and marked in one transaction, then answered. No call to the CRM.

`signature` (pure: genuine and recent?) → `events` (pure: bytes → events) → `app` (Flask: HTTP around `sync.storage.inbox`).
"""
