"""What records are called, by which the primary of a merge is told"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("seen_versions", sa.Column("name", sa.Text(), nullable=True))
