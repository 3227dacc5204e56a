"""What became of an email, and how often an effect was tried without an answer"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("effect", sa.Column("unanswered", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("effect", sa.Column("refusals", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("effect", sa.Column("not_before", sa.BigInteger()))
    op.add_column("effect", sa.Column("follow", sa.Text()))
