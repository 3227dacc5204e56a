"""Each announcement remembers its Ad Set's name; which sets of a portfolio are called almost the same"""

import json

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_ANNOUNCED = sa.text(
    "SELECT o.key, o.detail, e.payload FROM occurrence o JOIN effect e ON e.occurrence = o.key"
    " WHERE o.handoff = '5' AND e.kind IN ('task', 'email') ORDER BY o.key, e.position"
)
_REMEMBER = sa.text("UPDATE occurrence SET detail = :detail WHERE key = :key")


def upgrade() -> None:
    op.create_table(
        "look_alike",
        sa.Column("portfolio", sa.String(), nullable=False),
        sa.Column("one", sa.String(), nullable=False),
        sa.Column("other", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("tickets", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("portfolio", "one", "other"),
    )
    connection = op.get_bind()
    for row in connection.execute(_ANNOUNCED).all():
        detail = json.loads(row.detail)
        folder = (json.loads(row.payload).get("context") or {}).get("folder")
        if folder and "folder" not in detail:
            connection.execute(_REMEMBER, {"key": row.key, "detail": json.dumps({**detail, "folder": folder})})
