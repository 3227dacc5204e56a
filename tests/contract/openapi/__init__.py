"""Holds recorded exchanges against OpenAPI descriptions: `python -m tests.contract FOLDER`."""
