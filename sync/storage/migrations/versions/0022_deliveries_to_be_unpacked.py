"""Deliveries that are kept as they came, and unpacked later. Those that are there have been: their events are stored"""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_IS_PENDING = sa.text("pending IS NOT NULL")


def upgrade() -> None:
    op.add_column("delivery", sa.Column("pending", sa.Integer()))
    op.add_column("delivery", sa.Column("error", sa.Text()))
    op.create_index("delivery_pending", "delivery", ["pending"], sqlite_where=_IS_PENDING, postgresql_where=_IS_PENDING)
