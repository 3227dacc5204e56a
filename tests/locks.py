"""Checks that the lock files satisfy `pyproject.toml`: every requirement is pinned, to a version that it admits."""

import re
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent


def pins(lock: Path) -> dict[str, str]:
    """Name → version, names in their normal form."""
    found = re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return {_normal(name): version for name, version in found}


def problems() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {
        "requirements.txt": project["dependencies"],
        "requirements-postgres.txt": [*project["dependencies"], *project["optional-dependencies"]["postgres"]],
        "requirements-dev.txt": [*project["dependencies"], *project["optional-dependencies"]["dev"]],
    }
    found = []
    for lock, requirements in wanted.items():
        pinned = pins(ROOT / lock)
        for text in requirements:
            requirement = Requirement(text)
            version = pinned.get(_normal(requirement.name))
            if version is None:
                found.append(f"{lock}: {requirement.name} is not pinned")
            elif not requirement.specifier.contains(version):
                found.append(f"{lock}: {requirement.name}=={version} is not {requirement.specifier}")
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    wrong = problems()
    print("\n".join(wrong) or "the locks satisfy pyproject.toml")
    sys.exit(1 if wrong else 0)
