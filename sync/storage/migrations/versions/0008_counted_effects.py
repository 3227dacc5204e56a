"""How many effects are in each state, kept by the database itself"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

_GONE = sa.text("state = 'gone'")
_ONE_MORE = (
    "INSERT INTO effect_count (state, number) VALUES (NEW.state, 1) "
    "ON CONFLICT (state) DO UPDATE SET number = effect_count.number + 1; "
)
_ONE_LESS = "UPDATE effect_count SET number = number - 1 WHERE state = OLD.state; "


def upgrade() -> None:
    op.create_index("occurrence_gone", "occurrence", ["key"], sqlite_where=_GONE, postgresql_where=_GONE)
    op.create_table(
        "effect_count",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("state"),
    )
    op.execute("INSERT INTO effect_count (state, number) SELECT state, COUNT(*) FROM effect GROUP BY state")
    if op.get_bind().dialect.name == "postgresql":
        _on_postgresql()
        return
    op.execute(f"CREATE TRIGGER effect_added AFTER INSERT ON effect BEGIN {_ONE_MORE}END")
    op.execute(f"CREATE TRIGGER effect_removed AFTER DELETE ON effect BEGIN {_ONE_LESS}END")
    op.execute(
        "CREATE TRIGGER effect_changed AFTER UPDATE OF state ON effect WHEN OLD.state <> NEW.state "
        f"BEGIN {_ONE_LESS}{_ONE_MORE}END"
    )


def _on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION effect_counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP <> 'INSERT' THEN {_ONE_LESS}END IF; "
        f"IF TG_OP <> 'DELETE' THEN {_ONE_MORE}END IF; "
        "RETURN NULL; END $$"
    )
    op.execute(
        "CREATE TRIGGER effect_added AFTER INSERT OR DELETE ON effect FOR EACH ROW EXECUTE FUNCTION effect_counted()"
    )
    op.execute(
        "CREATE TRIGGER effect_changed AFTER UPDATE OF state ON effect FOR EACH ROW WHEN (OLD.state <> NEW.state) "
        "EXECUTE FUNCTION effect_counted()"
    )
