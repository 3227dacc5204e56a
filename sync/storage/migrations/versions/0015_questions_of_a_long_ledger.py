"""Questions that cost the same however long the ledger is: what is open, adopted tasks, where tickets came of late"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_IS_OPEN = sa.text("state = 'open'")
_IS_ADOPTED = sa.text("adopted = 1")
_EFFECT = sa.table("effect", sa.column("adopted", sa.Integer()), sa.column("payload", sa.Text()))


def upgrade() -> None:
    op.add_column("effect", sa.Column("adopted", sa.Integer(), nullable=False, server_default="0"))
    op.execute(sa.update(_EFFECT).where(_EFFECT.c.payload.contains('"adopted":true')).values(adopted=1))
    op.create_index("effect_adopted", "effect", ["state_at"], sqlite_where=_IS_ADOPTED, postgresql_where=_IS_ADOPTED)
    op.create_index("occurrence_of_handoff", "occurrence", ["handoff", "decided_at", "portfolio"])
    op.create_index("occurrence_open", "occurrence", ["portfolio"], sqlite_where=_IS_OPEN, postgresql_where=_IS_OPEN)
    op.create_index("ix_run_started", "run", ["started"])
