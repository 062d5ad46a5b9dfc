"""Outputs appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fcnkit.errors import OutputError
from fcnkit.files import check_output, writing


def test_a_new_file_appears_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "a"
    with writing(target) as partial:
        partial.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_text("old")
    with pytest.raises(KeyboardInterrupt), writing(target, force=True) as partial:  # noqa: PT012
        partial.write_text("half")
        raise KeyboardInterrupt
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_link_is_written_through(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    with writing(tmp_path / "link", force=True) as partial:
        partial.write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_permissions_are_those_of_any_new_file(tmp_path: Path) -> None:
    with writing(tmp_path / "a") as partial:
        partial.write_text("x")
    (tmp_path / "b").write_text("x")
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_what_cannot_be_written_is_refused_before_any_work(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    for path, force, words in [
        (tmp_path / "a", False, "exists; replace it with `force`"),
        (tmp_path, True, "is not a regular file"),
        (Path(os.devnull), True, "is not a regular file"),
        (tmp_path / "none" / "a", False, "cannot be written: there is no folder '.*none'"),
    ]:
        with pytest.raises(OutputError, match=words):
            check_output(path, force)


def test_what_the_system_refuses_is_our_error(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 255)
    with writing(long) as partial:  # a name of the greatest length must not grow too long on the way
        partial.write_text("new")
    assert long.read_text() == "new"
    with pytest.raises(OutputError, match="cannot be written: No space left on device"), writing(tmp_path / "b"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == [long]
