"""Files that are written: whole or not at all, and never over what somebody still needs."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading

import pytest
from moving import sample

from agentbridge import ConfigurationError
from agentbridge.migrate import Ledger, export_parquet, read_samples, write_samples
from agentbridge.migrate.outputs import check_outputs, replaced

OLD = "what was there\n"


@pytest.fixture
def kept(tmp_path):
    path = tmp_path / "keep.jsonl"
    path.write_text(OLD)
    return path


@pytest.fixture
def ledger(tmp_path):
    with Ledger(tmp_path / "move.ledger") as ledger:
        ledger.add([sample(1)])
        yield ledger


def _broken():
    yield sample(1)
    raise ConfigurationError("the second source is not there")


def test_a_file_stays_as_it_was_where_its_samples_cannot_be_read(kept):
    with pytest.raises(ConfigurationError, match="second source"):
        write_samples(kept, _broken())
    assert kept.read_text() == OLD
    assert [path.name for path in kept.parent.iterdir()] == ["keep.jsonl"]


def test_samples_are_written_over_the_file_that_they_are_read_from(tmp_path):
    path = tmp_path / "y.jsonl"
    write_samples(path, map(sample, range(3)))
    assert write_samples(path, read_samples(path)) == 3
    assert [one.id for one in read_samples(path)] == ["s0", "s1", "s2"]


def test_only_the_owner_may_read_what_stands_in_place_of_an_open_file(kept):
    kept.chmod(0o644)
    write_samples(kept, [sample(1)])
    assert kept.stat().st_mode & 0o077 == 0


def test_a_link_stays_one(kept, tmp_path):
    link = tmp_path / "link.jsonl"
    link.symlink_to(kept)
    write_samples(link, [sample(1)])
    assert link.is_symlink()
    assert len(list(read_samples(kept))) == 1


def test_a_pipe_is_written_to_and_not_replaced(tmp_path):
    pipe, read = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    with replaced(pipe) as file:
        file.write(OLD)
    reader.join(10)
    assert read == [OLD]
    assert pipe.is_fifo()


def test_samples_are_not_written_over_a_ledger(ledger):
    with pytest.raises(ConfigurationError, match=r"move\.ledger is an SQLite database, perhaps a ledger"):
        write_samples(ledger.path, [sample(2)])
    assert ledger.counts().total == 1


def test_a_ledger_is_not_exported_over_itself(ledger):
    pytest.importorskip("pyarrow")
    with pytest.raises(ConfigurationError, match="perhaps a ledger"):
        export_parquet(ledger, ledger.path)
    assert ledger.counts().total == 1


def test_a_look_at_a_ledger_that_is_open_does_not_end_its_locks(ledger):
    with pytest.raises(ConfigurationError):
        check_outputs([ledger.path])
    alone = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=0).execute('PRAGMA journal_mode=DELETE')"
    other = subprocess.run([sys.executable, "-c", alone, ledger.path], capture_output=True, text=True, check=False)
    assert "database is locked" in other.stderr


@pytest.mark.parametrize("beside", ["", "-wal", "-shm", ".lock"])
def test_a_database_of_another_process_is_no_output_nor_what_sqlite_keeps_beside_it(tmp_path, beside):
    database = sqlite3.connect(tmp_path / "other.db")
    database.execute("CREATE TABLE t (x)")
    database.close()
    with pytest.raises(ConfigurationError, match="is an SQLite database"):
        check_outputs([tmp_path / f"other.db{beside}"])


def test_an_output_is_none_of_the_sources_by_any_name(kept, monkeypatch):
    monkeypatch.chdir(kept.parent)
    with pytest.raises(ConfigurationError, match=r"keep\.jsonl would be written over what is read from it"):
        check_outputs(["./keep.jsonl"], [kept])


def test_two_outputs_are_two_files(tmp_path):
    with pytest.raises(ConfigurationError, match="r1 is named for two outputs"):
        check_outputs([tmp_path / "r1", None, tmp_path / "r1"])


def test_a_folder_is_no_output_and_has_to_be_there(tmp_path):
    with pytest.raises(ConfigurationError, match="is a folder"):
        check_outputs([tmp_path])
    with pytest.raises(ConfigurationError, match="there is no folder"):
        check_outputs([tmp_path / "nowhere" / "r1"])
