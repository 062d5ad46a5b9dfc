"""The command as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

CODE = """
import gc, sys
from fcnkit.cli import run
try:
    run("fcnkit")
finally:
    print(gc.get_freeze_count() > 0, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("line", "status", "output", "last"),
    [
        ("gen-prototxt --factor 2 -o up.prototxt", 0, "", ""),
        ("gen-prototxt --factor 0", 2, "", "Error: Invalid value for '--factor': 0 is not in the range x>=1."),
        ("convert none.caffemodel", 1, "", "Error: none.caffemodel: cannot be read: No such file or directory"),
    ],
)
def test_run_ends_with_the_status_of_the_command(tmp_path, line, status, output, last):
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", CODE, *line.split()]
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    *remarks, frozen = result.stderr.splitlines()
    assert (result.returncode, result.stdout, "".join(remarks[-1:]), frozen) == (status, output, last, "True")
