"""TLS to PostgreSQL: what `sslmode` asks for is had or refused, and whoever is refused hears what to mend."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text

from sync.errors import ConfigurationError, HandoffsError, StoreError
from sync.storage.database import open_store
from sync.storage.postgres import PostgreSQL
from tests.databases import drop, fresh_postgresql, server


def openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def authority(place: Path, name: str) -> Path:
    """The certificate of a CA of its own; its key stands beside it."""
    certificate = place / f"{name}.crt"
    openssl(
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", 2, "-subj", f"/CN={name}",
        "-keyout", certificate.with_suffix(".key"), "-out", certificate,
    )  # fmt: skip
    return certificate


def signed(ca: Path, host: str) -> Path:
    """The certificate of a host, by this CA; its key stands beside it."""
    certificate, request, names = (ca.with_name(f"{host}.{suffix}") for suffix in ("crt", "csr", "ext"))
    names.write_text(f"subjectAltName=DNS:{host}\n", encoding="utf-8")
    openssl(
        "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={host}",
        "-keyout", certificate.with_suffix(".key"), "-out", request,
    )  # fmt: skip
    openssl(
        "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca.with_suffix(".key"), "-CAcreateserial", "-days", 2,
        "-extfile", names, "-out", certificate,
    )  # fmt: skip
    return certificate


@dataclass(frozen=True)
class Certificates:
    """One for `localhost`, the CA that has signed it, and another CA."""

    server: Path
    ca: Path
    other_ca: Path


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    place = tmp_path_factory.mktemp("tls")
    ca = authority(place, "ca")
    return Certificates(signed(ca, "localhost"), ca, authority(place, "other"))


Address = Callable[[str, str], str]


@pytest.fixture
def address(certificates: Certificates) -> Iterator[Address]:
    """The address of a database on a server with TLS, by a name of its host and with options; `CA` and `OTHER` are files."""
    url = fresh_postgresql(migrated=False)

    def given(host: str, query: str) -> str:
        files = query.replace("CA", str(certificates.ca)).replace("OTHER", str(certificates.other_ca))
        return f"{url.replace('127.0.0.1', host)}?{files}"

    with server().speaking_tls(certificates.server, certificates.server.with_suffix(".key")):
        yield given
    drop(url)


def speaks_tls(url: str) -> bool:
    with closing(open_store(url)) as store, store.read() as connection:
        found = connection.scalar(text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"))
    return bool(found)


@pytest.mark.parametrize(
    ("host", "query"),
    [
        ("127.0.0.1", "sslmode=require"),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=CA"),
        ("localhost", "sslmode=verify-full&sslrootcert=CA"),
        ("127.0.0.1:9,localhost", "sslmode=verify-full&sslrootcert=CA&target_session_attrs=read-write"),
    ],
)
def test_what_is_asked_for_is_had(address: Address, host: str, query: str) -> None:
    assert speaks_tls(address(host, query))


@pytest.mark.parametrize(
    ("host", "query", "said"),
    [
        ("localhost", "sslmode=verify-full&sslrootcert=OTHER", "not by a CA that is trusted here"),
        ("localhost", "sslmode=verify-full&sslrootcert=/nowhere", "the file with the certificate of its CA is missing"),
        ("127.0.0.1", "sslmode=verify-full&sslrootcert=CA", "shows another host's certificate"),
        ("localhost", "sslmode=require&sslcert=CA&sslkey=/nowhere", "mend sslcert and sslkey"),
        ("127.0.0.1:9,localhost", "target_session_attrs=standby", "as target_session_attrs in DATABASE_URL asks for"),
    ],
)
def test_what_is_not_had_is_refused_in_plain_words(address: Address, host: str, query: str, said: str) -> None:
    """Not that the server cannot be reached: it can."""
    with pytest.raises(StoreError) as refused:
        speaks_tls(address(host, query))
    assert said in str(refused.value)
    assert "cannot be reached" not in str(refused.value)


def test_a_server_without_tls_is_told() -> None:
    url = fresh_postgresql(migrated=False)
    with pytest.raises(StoreError, match="offers no TLS"):
        speaks_tls(f"{url}?sslmode=require")
    assert not speaks_tls(url)
    drop(url)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("sslmode=requires", 'invalid sslmode value: "requires"'),
        ("sslmod=require", 'invalid URI query parameter: "sslmod"'),
        ("sslmode=require&sslrootcert=system", 'weak sslmode "require"'),
        ("connect_timeout=soon", "bad value for connect_timeout: 'soon'"),
        ("keepalives=x", "keepalives"),  # each version of the client says it otherwise
        ("target_session_attrs=primry", 'invalid target_session_attrs value: "primry"'),
    ],
)
def test_an_address_with_a_slip_is_a_wrong_setting(query: str, said: str) -> None:
    """Nobody tries it again and again: a worker ends, and a command with 2."""
    with pytest.raises(ConfigurationError) as refused:
        speaks_tls(f"{server().url('postgres')}?{query}")
    assert said in str(refused.value)
    assert "mend DATABASE_URL" in str(refused.value)


def test_a_slip_in_the_password_is_not_quoted() -> None:
    """What stands after a slash that was not escaped is the database for the client, and its options."""
    with pytest.raises(HandoffsError) as refused:
        speaks_tls("postgresql://amy:1/s3?cr3t=x@127.0.0.1/handoffs")
    assert "cr3t" not in str(refused.value).partition("handoffs ")[2]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("fe_sendauth: no password supplied", "DATABASE_URL has none"),
        ("FATAL:  connection requires a valid client certificate", "sslcert=FILE"),
        (
            'FATAL:  no pg_hba.conf entry for host "10.0.0.7", user "handoffs", database "handoffs", no encryption',
            "without TLS",
        ),
        (
            "FATAL:  database \"handoffs\" does not exist - host: 'two', port: '9': connection failed: refused",
            "createdb",
        ),
    ],
)
def test_what_no_server_of_the_tests_says(told: str, said: str) -> None:
    from psycopg import OperationalError

    dialect = PostgreSQL("postgresql://handoffs@db.test/handoffs", busy_seconds=5)
    error = OperationalError(f'connection failed: connection to server at "10.0.0.5", port 5432 failed: {told}')
    assert said in dialect.explained(error)
