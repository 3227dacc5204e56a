"""PostgreSQL's driver, which only whoever uses that database has: it is imported where it is first needed."""

from typing import Any, Final

from sync.errors import ConfigurationError

NOT_INSTALLED: Final = (
    "DATABASE_URL names PostgreSQL, whose driver is not installed: run "
    "`pip install 'creative-refresh-handoffs[postgres]'`, or use sqlite:///handoffs.db"
)


def driver() -> Any:
    """Import the driver's package. Raises `ConfigurationError` where it is not installed."""
    try:
        import psycopg
        import psycopg.conninfo
        import psycopg.types.json
    except ImportError as error:
        raise ConfigurationError(NOT_INSTALLED) from error
    return psycopg


def code(cause: BaseException | None) -> str | None:
    """The error's code (SQLSTATE); None: the server gave none, as it could not be reached or broke off."""
    found: str | None = getattr(cause, "sqlstate", None)
    return found
