"""What is there to be copied for a deployment is well formed, and starts what exists: each by a linter, where one is at hand."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from sync.cli import main as cli

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
UNITS = ("handoffs-receiver.service", "handoffs-worker@.service", "handoffs-board.service")
COMMANDS = cli.list_commands(click.Context(cli))


def linted(*command: str | Path) -> None:
    done = subprocess.run([*map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_passes_hadolint() -> None:
    linted(BIN / "hadolint", "--no-color", "Dockerfile")


def test_the_container_is_not_root_and_has_all_that_it_copies() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"^USER [1-9]\d*$", text, re.MULTILINE)
    assert re.search(r"^FROM \S+-slim$", text, re.MULTILINE)
    assert "HEALTHCHECK" in text
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    for line in re.findall(r"^COPY (.*) \S+$", text, re.MULTILINE):
        for name in line.split():
            assert (ROOT / name).exists(), name
            assert f"!{name}" in ignored, f"{name} is not sent to the builder"


def test_the_compose_file_is_one() -> None:
    linted(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml")


def test_the_compose_file_runs_what_the_page_says() -> None:
    services: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    assert {name: one.get("deploy", {}).get("replicas", 1) for name, one in services.items()} == {
        "db": 1, "release": 1, "web": 2, "worker": 3, "proxy": 1,
    }  # fmt: skip
    for name in ("web", "worker"):
        (command,) = services[name]["command"]
        assert command in COMMANDS
        assert services[name]["environment"]["DATABASE_URL"].startswith("postgresql://")
    for one in services.values():
        for mounted in one.get("volumes", []):
            source = mounted.split(":")[0]
            assert not source.startswith("./deploy") or (ROOT / source).is_file()


@pytest.mark.parametrize("name", UNITS)
def test_the_units_are_units(name: str, tmp_path: Path) -> None:
    text = (ROOT / "deploy" / name).read_text(encoding="utf-8")
    found = re.search(r"^ExecStart=(\S+/handoffs) (\w+)$", text, re.MULTILINE)
    assert found
    assert found[2] in COMMANDS
    if shutil.which("systemd-analyze") is None:
        pytest.skip("there is no systemd-analyze here: its part is not tried")
    (tmp_path / name).write_text(text.replace(found[1], sys.executable), encoding="utf-8")
    linted("systemd-analyze", "verify", tmp_path / name)


def test_the_proxies_pass_the_address_on_as_it_came() -> None:
    """HubSpot has signed path and query: what stands behind nginx's address takes the place of both."""
    nginx = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    assert set(re.findall(r"proxy_pass (\S+);", nginx)) == {"http://handoffs"}
    caddy = (ROOT / "deploy" / "Caddyfile").read_text(encoding="utf-8")
    assert not re.search(r"\b(uri|rewrite|handle_path|strip_prefix)\b", caddy)


def test_nginx_takes_its_file(tmp_path: Path) -> None:
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if nginx is None:
        pytest.skip("there is no nginx here: its part is not tried")
    own = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    own = re.sub(
        r"^\s*ssl_certificate.*$", "", own.replace("listen 443 ssl", "listen 127.0.0.1:8443"), flags=re.MULTILINE
    )
    whole = f"pid {tmp_path}/pid; error_log stderr; events {{}} http {{ access_log off; {own} }}"
    (tmp_path / "nginx.conf").write_text(whole, encoding="utf-8")
    linted(nginx, "-t", "-q", "-p", tmp_path, "-c", tmp_path / "nginx.conf")


def test_the_page_names_every_file(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    for path in (*sorted((ROOT / "deploy").iterdir()), ROOT / "compose.yaml", ROOT / "Dockerfile", ROOT / "Procfile"):
        assert path.name in text, path.name
