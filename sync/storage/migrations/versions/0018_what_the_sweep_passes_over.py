"""What the sweep passes over: a row a portfolio that a pass has decided to the end. Empty: it looks at all once"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "look",
        sa.Column("portfolio", sa.String(), nullable=False),
        sa.Column("looked_at", sa.BigInteger(), nullable=False),
        sa.Column("due_on", sa.String()),
        sa.Column("decided_by", sa.String(), nullable=False),
        sa.Column("tickets", sa.String(), nullable=False),
        sa.Column("named", sa.Text(), nullable=False),
        sa.Column("people", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("portfolio"),
    )
    op.create_index("ix_look_due_on", "look", ["due_on"])
