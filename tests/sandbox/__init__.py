"""The sandbox itself: what everything else is tested against must behave as docs/hubspot.md says."""
