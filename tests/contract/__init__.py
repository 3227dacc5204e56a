"""What the service relies on at its boundaries, error by error: the CRM's client and the request budget."""
