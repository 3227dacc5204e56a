"""The board: who may open it, a name to search by, and what the rules said of each handoff"""

import sqlalchemy as sa
from alembic import op

from mappings.names import as_seen

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.add_column("portfolio", sa.Column("search_name", sa.String(), nullable=False, server_default=""))
    op.create_table(
        "portfolio_detail",
        sa.Column("portfolio", sa.String(), nullable=False),
        sa.Column("handoffs", sa.Text(), nullable=False),
        sa.Column("tickets", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("portfolio"),
    )
    _name_them()
    op.create_table(
        "board_user",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("password", sa.String()),
        sa.Column("may_write", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "board_session",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("user", sa.String(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
        sa.ForeignKeyConstraint(["user"], ["board_user.id"], ondelete="CASCADE"),
    )
    op.create_index("ix_board_session_user", "board_session", ["user"])
    op.create_index("ix_board_session_expires_at", "board_session", ["expires_at"])


def _name_them() -> None:
    """Write each name as names are compared today; should that ever change, the next pass of a client writes it anew."""
    columns = (sa.column(name, sa.String()) for name in ("portfolio", "name", "search_name"))
    portfolio = sa.table("portfolio", *columns)
    connection = op.get_bind()
    rows = connection.execute(sa.select(portfolio.c.portfolio, portfolio.c.name)).all()
    update = (
        portfolio.update().where(portfolio.c.portfolio == sa.bindparam("of")).values(search_name=sa.bindparam("as"))
    )
    if rows:
        connection.execute(update, [{"of": row.portfolio, "as": as_seen(row.name)} for row in rows])
