"""`python -m fcnkit`, which is also what torchrun starts."""

from fcnkit.cli import main

main(prog_name="fcnkit")
