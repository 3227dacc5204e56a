"""The databases that tests play on: SQLite files, or with `TEST_DATABASE=postgresql` databases on a server of the tests' own.

The server is started where the first test asks for it, from the binaries of the distribution (`postgresql` in Debian and
Ubuntu), with its data in a temporary directory (in memory, where there is room), and stopped at the end of the process.
"""

import getpass
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import count
from pathlib import Path

from sqlalchemy import create_engine, text

from sync.storage.database import migrate, open_store
from tests.patience import PATIENCE

ON_POSTGRESQL = os.environ.get("TEST_DATABASE") == "postgresql"
"""Whether the whole suite is to run on PostgreSQL."""

_UNSAFE_AND_QUICK = ("fsync=off", "full_page_writes=off", "synchronous_commit=off", "max_connections=300")
_ROOM = 4 * 1024**3
"""Bytes that are to be free in memory before a server's files are kept there."""

_numbers = count(1)


def url_in(directory: Path, name: str = "handoffs") -> str:
    """The `DATABASE_URL` of a new, empty database for what is played in this directory."""
    return fresh_postgresql() if ON_POSTGRESQL else f"sqlite:///{directory / name}.db"


def drop(url: str) -> None:
    """Remove a database of `url_in` for good; a SQLite file goes with its directory."""
    if not url.startswith("sqlite"):
        _administer(f'DROP DATABASE IF EXISTS "{url.rpartition("/")[2]}" WITH (FORCE)')


def copied(url: str, directory: Path) -> str:
    """Copy a database of `url_in`, which nobody has open, and give the copy's URL; a SQLite file goes into this directory."""
    if url.startswith("sqlite"):
        return f"sqlite:///{shutil.copy(url.removeprefix('sqlite:///'), directory)}"
    name = f"handoffs_{os.getpid()}_{next(_numbers)}"
    _recreate(name, template=url.rpartition("/")[2])
    return server().url(name)


def forget(url: str, directory: Path, name: str = "handoffs") -> None:
    """Lose the database of `url_in`: there is none again, or on the server one without a row in it."""
    if url.startswith("sqlite"):
        for path in directory.glob(f"{name}.db*"):
            path.unlink()
    else:
        _recreate(url.rpartition("/")[2], template=_template())


def fresh_postgresql(*, migrated: bool = True) -> str:
    """The URL of a new database on the tests' server; with `migrated` its schema is up to date."""
    name = f"handoffs_{os.getpid()}_{next(_numbers)}"
    _recreate(name, template=_template() if migrated else "template1")
    return server().url(name)


class Server:
    """A PostgreSQL server of this process's own, on a free port of the loopback interface, and of what is `reached_at`."""

    def __init__(self, reached_at: Sequence[str] = ()) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="handoffs-postgresql-", dir=_in_memory()))
        self._user = "postgres" if getpass.getuser() == "root" else None  # initdb refuses root
        if self._user is not None:
            shutil.chown(self._place, self._user)
        self.port = _free_port()
        self._run(
            "initdb", "-D", self._data, "-A", "trust", "-U", "handoffs", "--no-sync", "-E", "UTF8", "--locale=C.UTF-8"
        )
        self._addresses = ",".join(("127.0.0.1", *reached_at))
        with (Path(self._data) / "pg_hba.conf").open("a", encoding="utf-8") as rules:
            rules.writelines(f"host all all {address}/24 trust\n" for address in reached_at)
        self.start()

    @property
    def _data(self) -> str:
        return str(self._place / "data")

    def url(self, database: str, at: str = "127.0.0.1") -> str:
        """The `DATABASE_URL` of one of its databases, at one of its addresses."""
        return f"postgresql://handoffs@{at}:{self.port}/{database}"

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = " ".join(f"-c {one}" for one in _UNSAFE_AND_QUICK)
        options += f" -c port={self.port} -c listen_addresses={self._addresses} -c unix_socket_directories="
        self._run("pg_ctl", "-D", self._data, "-l", str(self._place / "log"), "-o", options, "-w", "start")

    def outlived_by_none(self) -> None:
        """Have it stopped and removed when this process ends, however it does: a shell waits for the end of a pipe."""
        stop = f'read -r _; "{_program("pg_ctl")}" -D "{self._data}" -m immediate stop; rm -rf "{self._place}"'
        self._lifeline = subprocess.Popen(
            ["/bin/sh", "-c", stop],
            user=self._user,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is not meant for it
        )

    def close(self) -> None:
        """End it now, as with this process."""
        assert self._lifeline.stdin is not None
        self._lifeline.stdin.close()
        self._lifeline.wait()

    @contextmanager
    def speaking_tls(self, certificate: Path, key: Path) -> Iterator[None]:
        """Have it show this certificate to whoever asks for TLS, meanwhile."""
        for name, file in (("server.crt", certificate), ("server.key", key)):
            shutil.copy(file, there := Path(self._data) / name)
            there.chmod(0o600)  # it takes no key that others may read
            if self._user is not None:
                shutil.chown(there, self._user)
        self._switch_tls("on")
        try:
            yield
        finally:
            self._switch_tls("off")

    def _switch_tls(self, to: str) -> None:
        """It reads its settings again some moments after it was told to."""
        _administer(f"ALTER SYSTEM SET ssl = {to}", "SELECT pg_reload_conf()")
        until = time.monotonic() + PATIENCE
        while _asked("SHOW ssl") != to:
            assert time.monotonic() < until, "it does not read its settings"
            time.sleep(0.02)

    def stop(self, mode: str = "immediate") -> None:
        """Stop it: `fast` ends every connection properly, `immediate` as a crash does."""
        self._run("pg_ctl", "-D", self._data, "-m", mode, "-w", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        subprocess.run(
            [_program(program), *arguments],
            user=self._user,
            cwd=self._place,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # no pipe: the server would keep it open
            stderr=subprocess.DEVNULL,
        )


@cache
def server() -> Server:
    """The server of this process, started at the first call."""
    started = Server()
    started.outlived_by_none()
    return started


@cache
def _template() -> str:
    name = f"template_{os.getpid()}"
    _recreate(name, template="template1")
    store = open_store(server().url(name))
    migrate(store)
    store.close()
    return name


def _recreate(name: str, *, template: str) -> None:
    _administer(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)', f'CREATE DATABASE "{name}" TEMPLATE "{template}"')


def _administer(*statements: str) -> None:
    engine = create_engine(server().url("postgres").replace("://", "+psycopg://"), isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.execute(text(statement))
    finally:
        engine.dispose()


def _asked(question: str) -> object:
    engine = create_engine(server().url("postgres").replace("://", "+psycopg://"))
    try:
        with engine.connect() as connection:
            return connection.execute(text(question)).scalar()
    finally:
        engine.dispose()


def _program(name: str) -> str:
    """The path of one of the server's programs; Debian keeps them off the PATH."""
    for place in _places():
        if (place / name).is_file():
            return str(place / name)
    raise RuntimeError(
        f"there is no {name} here: install PostgreSQL 14 or later (`apt-get install postgresql`), or put it on the PATH"
    )


def _places() -> Iterator[Path]:
    """Where a server's programs may be: on the PATH, where `pg_config` says, where distributions keep them; newest first."""
    found = shutil.which("initdb")
    if found is not None:
        yield Path(found).parent
    if shutil.which("pg_config") is not None:
        yield Path(subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=True).stdout.strip())
    for pattern in ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin"):
        yield from sorted(Path("/").glob(pattern[1:]), reverse=True)


def is_there() -> bool:
    """Whether a server can be started on this machine."""
    return any((place / "initdb").is_file() for place in _places())


def _in_memory() -> Path | None:
    """Where files are kept in memory, if there is room: to make and drop a database takes half the time. None: on the disk."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > _ROOM else None


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
