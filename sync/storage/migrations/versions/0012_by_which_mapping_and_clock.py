"""By which mapping and clock a process of the service goes"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("process", sa.Column("mapping", sa.String()))
    op.add_column("process", sa.Column("clock_ahead", sa.BigInteger()))
