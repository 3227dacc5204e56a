"""The version before and this one side by side on one database, while this one's migrations are made (docs/deploying.md)."""

import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from sync.storage.database import revision
from tests.databases import fresh_postgresql
from tests.patience import PATIENCE
from tests.story.several_hosts import ROOT, Hosts, until

EACH = 2
"""Workers of each version, and receivers."""


def upgrade(before: str, portfolios: int) -> bool:
    """Play it with the version `before` (a commit or tag of this repository); whether nothing was lost, doubled or refused."""
    with tempfile.TemporaryDirectory() as place, tempfile.TemporaryDirectory() as directory:
        take_out(before, Path(place))
        url = fresh_postgresql(migrated=False)
        _upgrade(url, Path(place))
        run = Hosts(Path(directory), unlimited=True, url=url)
        try:
            return _play(run, before, place, portfolios // 4)
        finally:
            run.close()


def _play(run: Hosts, before: str, place: str, share: int) -> bool:
    run.say(PYTHONPATH=place)
    old = [run.add_worker() for _ in range(EACH)]
    old_ports = [run.add_receiver() for _ in range(EACH)]
    ids: list[str] = []

    def told() -> None:
        """Some more clients, told of to whoever receives."""
        new = run.populate(share)
        assert until(lambda: run.post(new), PATIENCE), "no receiver takes anything"
        ids.extend(new)

    def all_done() -> bool:
        tasks, emails = run.done()
        return len(tasks) == len(emails) == len(ids)

    assert until(lambda: run.are_up() and run.post([]), PATIENCE), "the version before does not start"
    told()
    assert until(all_done, PATIENCE), "the version before does not work"

    told()  # and in the middle of that:
    at, began = revision(run.store), time.monotonic()
    _upgrade(run.url, ROOT)
    migrated = time.monotonic() - began
    is_new = revision(run.store) != at
    run.say(PYTHONPATH=str(ROOT))
    new = [run.add_worker() for _ in range(EACH)]
    for _ in range(EACH):
        run.add_receiver()
    assert until(run.are_up, PATIENCE), "this version does not start"
    told()
    said = {one.pid: len(run.said_by(one)) for one in (*old, *new)}
    assert until(lambda: _all_work(run, ids, said), PATIENCE, every=1.0), "not every worker works beside the others"

    run.say(PYTHONPATH=place)
    late = run.add_worker()
    met = until(lambda: run.is_up(late) or late.poll() is not None, PATIENCE)
    refused = late.poll() not in {None, 0} and "newer version" in run.said_by(late)
    well = met and refused == is_new
    if refused:
        run.workers.remove(late)
    else:
        old.append(late)
    told()
    codes = [_ended(one) for one in [run.receivers.pop(port) for port in old_ports]]
    for one in old:
        run.workers.remove(one)
        codes.append(_ended(one))
    assert until(lambda: all_done() and run.is_idle(), PATIENCE), "something is left undone"

    tasks, emails = run.done()
    doubled = sum(times - 1 for times in (*tasks.values(), *emails.values()))
    overlapping = run.overlapping()
    troubles = [line for line in run.troubles() if not (refused and line in run.said_by(late))]
    print(f"upgrade: from {before} to what is here, {EACH} workers and {EACH} receivers of each, {len(ids)} clients")
    met_by = "is refused" if refused else "works along"
    print(f"  {'migrated' if is_new else 'found no migration to make'} in {migrated:.1f} s while the version before was at work; "
          f"a worker of it that is started then {met_by}{'' if well else ': WRONG'}")  # fmt: skip
    print(f"  lost {2 * len(ids) - len(tasks) - len(emails)}   doubled {doubled}   overlapping {len(overlapping)}")
    print(f"  exit codes of the version before {sorted(set(codes))}, errors logged {len(troubles)}")
    for trouble in (*overlapping, *troubles)[:10]:
        print(f"    {trouble}")
    return well and not doubled and not overlapping and not troubles and not any(codes)


def take_out(before: str, place: Path) -> None:
    """Put a version's files there."""
    found = subprocess.run(["git", "archive", before], cwd=ROOT, capture_output=True, check=True).stdout
    with tarfile.open(fileobj=BytesIO(found)) as archive:
        archive.extractall(place, filter="data")


def _upgrade(url: str, place: Path) -> None:
    """`handoffs db upgrade` of the version that lies there."""
    subprocess.run(
        [sys.executable, "-m", "sync", "db", "upgrade"],
        cwd=place, env={"PYTHONPATH": str(place), "DATABASE_URL": url}, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _all_work(run: Hosts, ids: Sequence[str], said: dict[int, int]) -> bool:
    run.enqueue(ids)
    return all('"group.read"' in run.said_by(one)[said[one.pid] :] for one in run.workers)


def _ended(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    return process.wait(PATIENCE)
