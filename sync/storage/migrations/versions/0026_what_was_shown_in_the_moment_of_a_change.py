"""What a record showed that was read in the moment of its last change. Null: it was read later, as all were before"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("seen", sa.Column("shown", sa.Text()))
