"""The files that an installation begins with: `.env`, and a mapping to be filled in."""

import sys
from importlib import resources
from pathlib import Path

from sync.errors import ConfigurationError, RefusedError

ENV = ".env"
MAPPING = "agency.yaml"
UNIT = "handoffs.service"
_TEMPLATES = resources.files("mappings") / "templates"
SECRET_MODE = 0o600
"""`.env` will hold the token: only its owner may read it."""


def write_files(directory: Path, *, systemd: bool = False) -> list[Path]:
    """Write the files into the directory, which is made if need be; return their paths. With `systemd` its unit, too.

    Raises `RefusedError` if one of them is there already (then none is written), `ConfigurationError` if they cannot be.
    """
    env, mapping = directory / ENV, directory / MAPPING
    unit = [directory / UNIT] if systemd else []
    there = [path for path in (env, mapping, *unit) if path.exists()]
    if there:
        raise RefusedError(f"{there[0]} is there already: nothing was written. Move it away, or name another directory")
    text = _settings().replace("#MAPPING=\n", f"MAPPING={MAPPING}\n")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        env.touch(mode=SECRET_MODE)
        env.write_text(text, encoding="utf-8")
        mapping.write_text(_packaged("mappings", "own.yaml"), encoding="utf-8")
        for path in unit:
            path.write_text(unit_of(directory), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be written: {error.strerror}") from None
    return [env, mapping, *unit]


def unit_of(directory: Path) -> str:
    """Write the unit with which systemd keeps the service, in this directory and from this installation."""
    program = Path(sys.prefix) / "bin" / "handoffs"
    text = _packaged("sync.admin", UNIT)
    return text.replace("@DIRECTORY@", str(directory.absolute())).replace("@HANDOFFS@", str(program))


def write_default(path: Path) -> None:
    """Write a copy of the packaged mapping, to read. Raises `RefusedError` and `ConfigurationError` as `write_files`."""
    if path.exists():
        raise RefusedError(f"{path} is there already: nothing was written. Name another file")
    try:
        path.write_text(_packaged("mappings", "creative_refresh.yaml"), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None


def write_templates(directory: Path) -> list[Path]:
    """Write copies of the packaged texts of tasks and emails into the directory, which is made if need be; return their paths.

    Raises `RefusedError` if one of them is there already (then none is written), `ConfigurationError` if they cannot be.
    """
    packaged = sorted((one for one in _TEMPLATES.iterdir() if one.name.endswith(".j2")), key=lambda one: one.name)
    if there := [one.name for one in packaged if (directory / one.name).exists()]:
        raise RefusedError(f"{directory / there[0]} is there already: nothing was written. Name another directory")
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for one in packaged:
            (directory / one.name).write_text(one.read_text(encoding="utf-8"), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be written: {error.strerror}") from None
    return [directory / one.name for one in packaged]


def _packaged(package: str, name: str) -> str:
    return (resources.files(package) / name).read_text(encoding="utf-8")


def _settings() -> str:
    """The settings with a word on each: packaged in a wheel, in the clone beside the packages."""
    packaged = resources.files("sync") / "env.example"
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(str(resources.files("sync"))).parent / ".env.example").read_text(encoding="utf-8")
