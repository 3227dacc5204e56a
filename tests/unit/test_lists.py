"""Conditions on lists: of any length, and the same statement for all of them."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select

from sync.storage.database import migrate, open_store
from sync.storage.lists import is_among, is_one_of
from sync.storage.tables import memberships


@pytest.mark.parametrize("asked", [[], ["3"], ("2", "'; --", "é"), [str(n) for n in range(5, 80_000)]])
def test_a_list_of_any_length(tmp_path: Path, asked: Sequence[str]) -> None:
    store = open_store(f"sqlite:///{tmp_path / 'lists.db'}")
    migrate(store)
    with store.write() as connection:
        rows = [{"ticket": one, "portfolio": "1"} for one in ("1", "2", "3", "é", "79999")]
        connection.execute(memberships.insert(), rows)
    of_these = select(memberships.c.ticket).where(is_among(memberships.c.ticket, "tickets"))
    with store.read() as connection:
        assert set(connection.scalars(of_these, {"tickets": asked})) == {"1", "2", "3", "é", "79999"} & set(asked)
        fixed = select(memberships.c.ticket).where(is_one_of(memberships.c.ticket, ["2", "é"]))
        assert set(connection.scalars(fixed)) == {"2", "é"}
    store.close()
