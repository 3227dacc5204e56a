"""Keys of any length: a B-tree of PostgreSQL takes 2,704 bytes, and an announcement's key names each ticket of its Ad Set"""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

_GONE = sa.text("state = 'gone'")

_BY_HASH = (
    "ALTER TABLE effect DROP CONSTRAINT effect_occurrence_fkey",
    "DROP INDEX ix_effect_occurrence",
    "ALTER TABLE effect DROP CONSTRAINT effect_pkey",
    "ALTER TABLE effect ADD CONSTRAINT effect_key EXCLUDE USING hash (key WITH =)",
    "CREATE INDEX ix_effect_occurrence ON effect USING hash (occurrence)",
    "ALTER TABLE occurrence DROP CONSTRAINT occurrence_pkey",
    "ALTER TABLE occurrence ADD CONSTRAINT occurrence_key EXCLUDE USING hash (key WITH =)",
    "ALTER TABLE look_alike DROP CONSTRAINT look_alike_pkey",
)
"""What makes a key unique and finds it; a foreign key needs a B-tree, so triggers stand for that one."""

_OF_ITS_OCCURRENCE = (
    "CREATE FUNCTION effect_has_occurrence() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "IF NOT EXISTS (SELECT FROM occurrence WHERE key = NEW.occurrence) THEN "
    "RAISE foreign_key_violation USING MESSAGE = 'an effect needs its occurrence', TABLE = 'effect'; END IF; "
    "RETURN NULL; END $$",
    "CREATE TRIGGER effect_of_occurrence AFTER INSERT OR UPDATE OF occurrence ON effect FOR EACH ROW "
    "EXECUTE FUNCTION effect_has_occurrence()",
    "CREATE FUNCTION occurrence_takes_effects() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
    "DELETE FROM effect WHERE occurrence = OLD.key; RETURN NULL; END $$",
    "CREATE TRIGGER occurrence_removed AFTER DELETE ON occurrence FOR EACH ROW "
    "EXECUTE FUNCTION occurrence_takes_effects()",
)

_REPLICATED = tuple(f"ALTER TABLE {table} REPLICA IDENTITY FULL" for table in ("effect", "occurrence", "look_alike"))
"""Logical replication, as by some providers' upgrades, knows a row by its primary key; without one by the whole of it."""


def upgrade() -> None:
    op.drop_index("occurrence_gone", "occurrence")
    op.create_index("occurrence_gone", "occurrence", ["record"], sqlite_where=_GONE, postgresql_where=_GONE)
    if op.get_bind().dialect.name == "postgresql":
        for statement in (*_BY_HASH, *_OF_ITS_OCCURRENCE, *_REPLICATED):
            op.execute(statement)
