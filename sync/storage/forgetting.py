"""What every table with rows of portfolios forgets by: the portfolios among some records."""

from collections.abc import Iterable

from sqlalchemy import Connection, Delete

from sync.crm import Kind, RecordRef


def forget_portfolios(connection: Connection, statement: Delete, records: Iterable[RecordRef]) -> list[str]:
    """Delete the rows of the portfolios among these by a statement whose parameter is `gone`; the ids of these."""
    gone = [record.id for record in sorted(records) if record.kind is Kind.PORTFOLIO]
    if gone:
        connection.execute(statement, [{"gone": one} for one in gone])
    return gone
