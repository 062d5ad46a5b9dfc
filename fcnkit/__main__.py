"""`python -m fcnkit`, which is also what torchrun starts."""

from fcnkit.cli import run

run(prog_name="fcnkit")
