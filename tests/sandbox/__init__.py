"""The sandbox itself: what everything else is tested against must behave as hubspot.md says."""
