"""The packaged mapping, and one that a test writes."""

from pathlib import Path

import pytest

from mappings.load import load
from mappings.schema import (
    ProcessMapping,
)
from tests.unit.mapping.files import Write


@pytest.fixture(scope="module")
def default() -> ProcessMapping:
    return load()


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a custom mapping and gives its path."""

    def written(text: str) -> Path:
        path = tmp_path / "mapping.yaml"
        path.write_text(text, encoding="utf-8")
        return path

    return written
