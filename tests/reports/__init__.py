"""Lead times against an agency whose seed planted every one of them."""
