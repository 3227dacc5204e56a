"""A stream that cannot print “quotes” prints plain ones, and never a traceback."""

import json
import os
import subprocess
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest
import structlog

from sync import log
from sync.plain import PLAIN, make_plain, plain, speaks_unicode

ROOT = Path(__file__).parents[2]
ENCODINGS = ("ascii", "iso-8859-1", "cp437", "koi8-r")


def printed(text: str, encoding: str) -> bytes:
    raw = BytesIO()
    stream = TextIOWrapper(raw, encoding=encoding)
    make_plain(stream)
    stream.write(text)
    stream.flush()
    return raw.getvalue()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_what_a_stream_cannot_print_it_prints_plainly(encoding: str) -> None:
    assert printed("“Acme” … → Łódź – 1 × 2 ─ 広", encoding).decode(encoding).encode("ascii", "replace")
    assert plain("“Acme” … → Łódź – 1 × 2 ─ 広") == '"Acme" ... -> Lodz - 1 x 2 - ?'


def test_what_it_can_print_stays_as_it_is() -> None:
    assert printed("“Café”", "iso-8859-1") == '"Café"'.encode("iso-8859-1")
    assert printed("“Café”", "utf-8") == "“Café”".encode()


def test_plain_is_plain() -> None:
    assert all(each.isascii() for each in PLAIN.values())
    assert plain("e\u0301") == "e"


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_commands_speak_plainly(tmp_path: Path, encoding: str) -> None:
    """A message (click's way of printing) and a usage error, which quotes what was typed."""
    for arguments in (["status"], ["explain", "--nö", "“x”"], ["sweep", "--today", "“heute”"], ["explain", "--help"]):
        done = subprocess.run(
            [sys.executable, "-m", "sync", *arguments],
            cwd=tmp_path,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        said = (done.stdout + done.stderr).decode(encoding)
        assert "Traceback" not in said
        assert done.returncode in {0, 1, 2}
        if encoding == "ascii" and arguments[-1] == "--help":
            assert "(->)" in said


def test_json_stays_json(monkeypatch: pytest.MonkeyPatch) -> None:
    """In plain quotes it would be none; so its text is escaped, on stdout and in the log."""
    from sync.commands.output import print_json, print_json_line

    raw, errors = BytesIO(), BytesIO()
    out, err = TextIOWrapper(raw, encoding="ascii"), TextIOWrapper(errors, encoding="iso-8859-1")
    make_plain(out, err)
    monkeypatch.setattr("sys.stdout", out)
    monkeypatch.setattr("sys.stderr", err)
    print_json({"name": "“Łódź”"})
    print_json_line({"name": "“Łódź”"})
    log.configure("json")
    structlog.get_logger().info("x", name="“Łódź”")
    out.flush()
    err.flush()
    whole, line = raw.getvalue().decode("ascii").split("}\n")[:2]
    for text in (whole + "}", line + "}", errors.getvalue().decode("iso-8859-1")):
        assert json.loads(text)["name"] == "“Łódź”"


def test_which_streams_take_everything() -> None:
    assert speaks_unicode(TextIOWrapper(BytesIO(), encoding="UTF-8"))
    assert speaks_unicode(TextIOWrapper(BytesIO(), encoding="utf-16"))
    assert not speaks_unicode(TextIOWrapper(BytesIO(), encoding="cp1252"))
