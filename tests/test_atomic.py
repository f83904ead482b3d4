"""Files appear whole or not at all, with the permissions that they had."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from kcompat.atomic import replacing


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(KeyError), replacing(path) as temporary:
        Path(temporary).write_text("half")
        raise KeyError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_permissions_stay_also_where_a_writer_makes_a_file_of_its_own(tmp_path: Path):
    old, new = tmp_path / "old", tmp_path / "new"
    old.write_text("")
    old.chmod(0o640)
    for path in (old, new):
        with replacing(path) as temporary:
            if path is old:
                assert mode(Path(temporary)) == 0o640
            os.unlink(temporary)
            os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
    assert mode(old) == 0o640
    (tmp_path / "usual").write_text("")
    assert mode(new) == mode(tmp_path / "usual")
