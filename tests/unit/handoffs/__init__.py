"""The decision table, a file for each handoff in the order of the article, and what the effects carry."""
