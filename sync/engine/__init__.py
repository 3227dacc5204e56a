"""How passes are run: `embedded.py` is one machine on SQLite, with file locks for lanes."""
