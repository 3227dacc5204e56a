"""PostgreSQL's driver, which only whoever uses that database has: it is imported where it is first needed."""

from typing import Any, Final

from sync.errors import ConfigurationError

SETTING: Final = "DATABASE_URL"
"""What names a database, unless a command was given another one as well (`open_store`)."""


def driver(given_as: str = SETTING) -> Any:
    """Import the driver's package. Raises `ConfigurationError` where it is not installed; `given_as` names what asks for it."""
    try:
        import psycopg
        import psycopg.conninfo
        import psycopg.types.json
    except ImportError as error:
        raise ConfigurationError(
            f"{given_as} names PostgreSQL, whose driver is not installed: run "
            "`pip install 'creative-refresh-handoffs[postgres]'`, or use sqlite:///handoffs.db"
        ) from error
    return psycopg


def code(cause: BaseException | None) -> str | None:
    """The error's code (SQLSTATE); None: the server gave none, as it could not be reached or broke off."""
    found: str | None = getattr(cause, "sqlstate", None)
    return found
