"""The requests of the last window beside each bucket of the CRM's budget. Null: nothing is known of it, as in a new database"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("budget", sa.Column("taken", sa.Text()))
