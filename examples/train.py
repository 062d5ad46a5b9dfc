"""Train a thin FCN-8s from nothing on drawn images, and score it on fresh ones: as commands, shown as they run."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = Path("trained")
# The mean IU that the net must reach on the fresh images.
ENOUGH = 0.70


def run(line: str) -> str:
    """Show a command, run it in the checkout, and show its output."""
    print(f"$ {line}", flush=True)
    program, *arguments = line.split()
    command = [sys.executable] if program == "python" else [str(Path(sys.executable).with_name(program))]
    output = subprocess.run([*command, *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    print(output, flush=True)
    return output


def main() -> None:
    shutil.rmtree(ROOT / FOLDER, ignore_errors=True)
    images, fresh, result = FOLDER / "shapes", FOLDER / "fresh", FOLDER / "run"
    run(f"python examples/train/shapes.py {images} --count 400")
    run(f"python examples/train/shapes.py {fresh} --count 60 --seed 1")
    run(
        f"fcnkit train fcn --images {images}/images --labels {images}/labels --classes {images}/classes.txt "
        "--backbone thin --templates examples/train/templates --stride 8 --recipe accum --batch 8 --patches 64x64 "
        "--set type=Adam --set base_lr=1e-3 --set iter_size=1 --set max_iter=800 --set display=20 --score-every 100 "
        f"-o {result}"
    )
    scored = run(
        f"fcnkit score {result}/best.safetensors --images {fresh}/images --labels {fresh}/labels "
        f"--classes {images}/classes.txt --json"
    )
    run(f"fcnkit predict {result}/best.safetensors {fresh}/images/0000.jpg -o {FOLDER}/predicted --overlay")
    mean_iu = json.loads(scored)["mean_iu"]
    print(f"mean IU on fresh images: {mean_iu:.3f}; the report: {result}/report.html")
    if mean_iu < ENOUGH:
        sys.exit(f"the mean IU is below {ENOUGH}")


if __name__ == "__main__":
    main()
