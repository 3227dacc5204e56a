"""Which portfolios name people who have left"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("portfolio", sa.Column("vanished", sa.Text(), nullable=False, server_default=""))
