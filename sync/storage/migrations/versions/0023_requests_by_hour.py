"""Requests to the CRM by hour: how many had ever been made when each hour ended. Empty: nothing is known of earlier hours"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "budget_hour",
        sa.Column("hour", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "name"),
    )
