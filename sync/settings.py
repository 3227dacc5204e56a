"""What the environment (or a `.env` file) says, read once. The README's table and `.env.example` are compared with it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from difflib import get_close_matches
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from sync.errors import ConfigurationError

_POSTGRESQL = ("postgresql://", "postgres://")
_AUTHORITY = re.compile(
    r"([^@\[\]#?\s]*@)?(\[[0-9a-fA-F:.]+\]|[\w.%-]*)(:\d+)?(,(\[[0-9a-fA-F:.]+\]|[\w.%-]+)(:\d+)?)*"
)
"""`user:password@host:port`, as PostgreSQL's client reads it: several hosts may follow each other."""
_MAIL_SERVERS = ("smtp", "smtps")
_EMAIL_SCHEMES = (*_MAIL_SERVERS, "hubspot", "console")

_ESCAPED = "write # as %23, / as %2F, ? as %3F, @ as %40, : as %3A, [ as %5B and % as %25 in user and password"


_ALIKE = 0.8
"""How alike two names are from where one may be meant for the other, of 1."""


ENV_FILE = Path(".env")
"""Read in the working directory; what the environment says wins over it."""


def source() -> str:
    """Say where settings are read, for whoever has to mend one: `read in the environment and /srv/handoffs/.env`."""
    file = ENV_FILE.absolute()
    if file.is_file():
        return f"read in the environment and {file}"
    return f"read in the environment; there is no {file}"


class SettingError(ConfigurationError):
    """A setting is wrong, or missing. Its message ends with where settings were read, by default those of this process."""

    def __init__(self, message: str, read_in: str | None = None) -> None:
        super().__init__(f"{message} ({read_in or source()})")


class Settings(BaseSettings):
    """Every setting of the service; names in the environment are the fields' names in capitals."""

    model_config = SettingsConfigDict(
        env_file=ENV_FILE, env_file_encoding="utf-8", extra="ignore", frozen=True, env_ignore_empty=True
    )

    hubspot_access_token: SecretStr | None = Field(None, description="Bearer token of the HubSpot app (`pat-…`).")
    hubspot_client_secret: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        (), description="Client secret(s) that sign webhooks; several, comma-separated, while rotating."
    )
    hubspot_app_id: str | None = Field(None, description="The app's id: recognises the service's own changes.")
    hubspot_base_url: str = Field("https://api.hubapi.com", description="Where the CRM's API is.")
    public_url: str | None = Field(
        None, description="What HubSpot calls, without a path: `https://handoffs.example.com`."
    )
    database_url: str = Field(
        "sqlite:///handoffs.db",
        repr=False,  # it may hold a password
        description="Where the service keeps its ledger: `sqlite:///FILE`, or `postgresql://user:pass@host:port/NAME`.",
    )
    mapping: Path | None = Field(None, description="The mapping, a YAML file. Unset: the packaged default.")
    email_url: str | None = Field(
        None,
        repr=False,  # it may hold a password
        description="`smtp://user:pass@host:port`, `smtps://…`, `hubspot:EMAIL_ID` or `console:`.",
    )
    email_from: str | None = Field(None, description="The sender of every email; needed for smtp and smtps.")
    email_plain_login: bool = Field(
        False,
        description="Also log in where the mail server of `smtp://` offers no encryption: the password is readable.",
    )
    admin_email: str | None = Field(None, description="Who is told what needs an admin.")
    heartbeat_url: SecretStr | None = Field(
        None,
        description="Pinged every minute while the service works; a monitor alarms when that ceases (healthchecks.io).",
    )
    port: int = Field(8000, ge=0, le=65535, description="The port that the receiver listens on.")
    log_format: Literal["console", "json"] = Field("console", description="`console` for people, `json` for machines.")
    poll_seconds: int = Field(300, ge=5, description="Seconds between two polls for changes.")
    max_body_bytes: int = Field(2_000_000, ge=1_000, description="Larger webhook bodies are answered with 413.")
    retention_days: int = Field(
        90, ge=2, description="How long deliveries and their events are kept; what was done is kept for good."
    )
    lanes: int | None = Field(
        None,
        ge=1,
        le=64,
        description="How many passes may run at a time, each in a worker of its own. "
        "Unset: as before, at first 4 on PostgreSQL, 1 on SQLite.",
    )
    accept_signature_v1: bool = Field(False, description="Also accept the old, timestamp-less signature.")
    go_live: str | None = Field(
        None,
        description="Causes older than this do nothing by themselves; an ISO date or time. Unset: the first start.",
    )
    board_host: str = Field(
        "127.0.0.1", pattern=r"^[A-Za-z0-9.-]+$", description="The address of this machine that the board listens on."
    )
    board_port: int = Field(8001, ge=0, le=65535, description="The port that the board listens on.")
    board_write: bool = Field(
        False, description="Users with that right may have the board look again, try again and release."
    )
    board_session_hours: int = Field(12, ge=1, le=720, description="How long a log-in to the board lasts.")
    board_proxy_header: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9-]+$",
        description="The header in which a proxy before the board says who it has let in. Unset: the board asks for a password.",
    )
    board_proxies: str = Field(
        "127.0.0.1,::1",
        description="The addresses, comma-separated, of the proxies that BOARD_PROXY_HEADER is believed from.",
    )

    @field_validator("hubspot_client_secret", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("hubspot_base_url", "public_url")
    @classmethod
    def _web_address(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = _split(value)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise ValueError("must start with http:// or https:// and name a host")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("must be http:// or https://, the host and at most a port, and nothing more")
        return value.rstrip("/")

    @field_validator("heartbeat_url")
    @classmethod
    def _ping_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        parts = _split(value.get_secret_value())
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
            raise ValueError("must be an address as the monitor gives it: https://hc-ping.com/…")
        return value

    @field_validator("public_url")
    @classmethod
    def _no_path(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).path not in {"", "/"}:
            raise ValueError("must have no path: the receiver's own path is added to it")
        return value

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value.startswith(_POSTGRESQL):
            return _on_postgresql(value)
        if not value.startswith("sqlite:///") or value == "sqlite:///":
            raise ValueError(
                "must be sqlite:///FILE (an absolute path has four slashes), or postgresql://user:password@host:port/NAME"
            )
        if "?" in value:
            raise ValueError("must be sqlite:///FILE without options: leave out what stands from ? on")
        return value

    @field_validator("email_url")
    @classmethod
    def _email(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, _, rest = value.partition(":")
        if scheme not in _EMAIL_SCHEMES:
            raise ValueError("must start with smtp://, smtps://, hubspot: or console:")
        if scheme in _MAIL_SERVERS:
            # Checked before it is taken apart: what follows one of these would be lost, and be taken for no password.
            if any(letter in rest.removeprefix("//").removesuffix("/") for letter in "/?#"):
                raise ValueError(f"must be {scheme}://user:password@host:port and nothing more: {_ESCAPED}")
            if not _split(value, _ESCAPED).hostname:
                raise ValueError(f"must name a host: {scheme}://user:password@host:port")
        if scheme == "hubspot" and not rest.strip("/").isdigit():
            raise ValueError("must name the email's number: hubspot:123456789")
        return value

    @field_validator("board_proxies")
    @classmethod
    def _addresses(cls, value: str) -> str:
        for part in value.split(","):
            try:
                ip_network(part.strip())
            except ValueError:
                raise ValueError("must be addresses or networks, comma-separated: 127.0.0.1,10.0.0.0/8") from None
        return value

    @field_validator("go_live")
    @classmethod
    def _moment(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                date.fromisoformat(value)
            except ValueError:
                try:
                    datetime.fromisoformat(value)
                except ValueError:
                    raise ValueError("must be a date (2026-11-22) or a time (2026-11-22T09:00:00-05:00)") from None
        return value

    def require_token(self) -> str:
        """The token, or a `SettingError` that says how to get one."""
        if self.hubspot_access_token is None:
            raise SettingError(
                "HUBSPOT_ACCESS_TOKEN is not set: put the token of your HubSpot app (pat-…) into the environment or .env"
            )
        return self.hubspot_access_token.get_secret_value()


class _OfOneFile(Settings):
    """What one file says, whatever the environment does."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, env_settings, file_secret_settings
        return (init_settings, dotenv_settings)


def look_alikes(env_file: Path = ENV_FILE) -> dict[str, str]:
    """Find names in the `.env` file that are no setting but look like one: the name → the one that may be meant.

    The environment itself holds what is for other programs, so it is not looked through.
    """
    names = [name.upper() for name in Settings.model_fields]
    given = dotenv_values(env_file) if env_file.is_file() else {}
    strange = (name for name in given if name.upper() not in names)
    return {name: meant[0] for name in strange if (meant := get_close_matches(name.upper(), names, n=1, cutoff=_ALIKE))}


def read_settings(**overrides: object) -> Settings:
    """The settings, or a `ConfigurationError` that names every variable that is wrong."""
    with _told(ENV_FILE):
        return Settings(**overrides)  # type: ignore[arg-type]  # fields by name; pydantic checks them


def read_settings_of(env_file: Path) -> Settings:
    """The settings of the deployment whose `.env` file this is: the file's alone, whatever the environment says.

    A SQLite file, or a mapping, named without a slash in front lies in the directory of the `.env` file, where its service
    runs. Raises
    `ConfigurationError`, also where there is no such file.
    """
    if not env_file.is_file():
        raise ConfigurationError(f"{env_file}: there is no such file")
    with _told(env_file, f"read in {env_file} alone"):
        found: Settings = _OfOneFile(_env_file=env_file)  # type: ignore[call-arg]  # pydantic-settings takes it
    scheme, _, file = found.database_url.partition(":///")
    if scheme == "sqlite":
        found = found.model_copy(update={"database_url": f"sqlite:///{env_file.absolute().parent / file}"})
    if found.mapping is not None:
        found = found.model_copy(update={"mapping": env_file.absolute().parent / found.mapping})
    return found


@contextmanager
def _told(env_file: Path, read_in: str | None = None) -> Iterator[None]:
    """Turn what reading raises into a `ConfigurationError` that says where settings were read."""
    try:
        yield
    except ValidationError as error:
        lines = [f"{_variable(e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise SettingError("\n".join(lines), read_in) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{env_file.absolute()} is not UTF-8 ({error.reason}): save it as UTF-8") from None
    except OSError as error:
        raise ConfigurationError(f"{error.filename} cannot be read: {error.strerror}") from None


def _on_postgresql(value: str) -> str:
    """Check the address of a database on a server. Raises `ValueError`, which quotes nothing of it."""
    authority, _, rest = value.partition("://")[2].partition("/")
    name, _, options = rest.partition("?")
    if not _AUTHORITY.fullmatch(authority) or any(letter in name for letter in "@#"):
        raise ValueError(f"must be postgresql://user:password@host:port/NAME: {_ESCAPED}")
    if not name and "dbname=" not in options:
        raise ValueError("must name the database: postgresql://user:password@host:port/NAME")
    return value


def _split(value: str, remedy: str = "") -> SplitResult:
    """The parts of an address. Raises `ValueError`, in words of our own: the library's quote the value, a password too."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        port, parts = -1, None
    if parts is None or port == -1:
        raise ValueError("must be an address with a port from 0 to 65535, if any" + (f": {remedy}" if remedy else ""))
    return parts


def _variable(location: tuple[int | str, ...]) -> str:
    return str(location[0]).upper() if location else "settings"
