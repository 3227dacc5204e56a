"""The weekly letter: its text, one row a week, and one row a copy. Empty: none was sent"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "letter",
        sa.Column("week", sa.String(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("week"),
    )
    op.create_table(
        "letter_copy",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("week", sa.String(), nullable=False),
        sa.Column("address", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("state_at", sa.BigInteger(), nullable=False),
        sa.Column("unanswered", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.BigInteger(), nullable=False),
        sa.Column("follow", sa.Text()),
        sa.Column("reason", sa.Text()),
        sa.ForeignKeyConstraint(["week"], ["letter.week"]),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_index("ix_letter_copy_week", "letter_copy", ["week"])
