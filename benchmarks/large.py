"""Time and memory of `fcnkit convert` on a caffemodel of 3.4 GB, more than Caffe and protobuf can read.

    python benchmarks/large.py

Needs 7 GB of room in the folder for temporary files. The results are a Markdown table on standard output.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from statistics import median

from running import MIB, Thing, environment, fcnkit, machine, python, take_turns

CHANNELS, LAYERS, ROUNDS = 10_240, 8, 3
LAYER = 4 * CHANNELS**2

MAKE = """
import sys
import numpy as np
from fcnkit.caffe import caffemodel, prototxt
path, channels, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
text = 'layer { name: "in" type: "Input" top: "x" input_param { shape { dim: [1, %d, 1, 1] } } }' % channels
for index in range(count):
    text += 'layer { name: "c%d" type: "Convolution" bottom: "x" top: "x" convolution_param {' % index
    text += ' kernel_size: 1 bias_term: false num_output: %d } }' % channels
weight = np.random.default_rng(8).standard_normal((channels, channels, 1, 1), np.float32)
caffemodel.write(path, prototxt.parse(text), {"c%d" % index: [weight] for index in range(count)})
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="fcnkit-bench-") as name:
        folder = Path(name)
        small, large, output = folder / "small.caffemodel", folder / "large.caffemodel", folder / "out.safetensors"
        for path, channels in ((small, 8), (large, CHANNELS)):
            subprocess.run([*python(MAKE), str(path), str(channels), str(LAYERS)], check=True, env=environment())
        titles = f"{LAYERS} layers of 256 bytes", f"{LAYERS} layers of {LAYER / 1e6:.0f} MB"
        few, many, copy = things = [
            *(
                Thing(f"fcnkit convert, {title}", fcnkit("convert", str(path), "-o", str(output)), output=output)
                for title, path in zip(titles, (small, large), strict=True)
            ),
            Thing("cp of the latter", ["cp", str(large), str(output)], output=output),
        ]
        take_turns("Convert", things, ROUNDS)
    print(f"{machine()}\n\n| | fastest, s | median, s | peak, MiB | own, MiB |\n|---|--:|--:|--:|--:|")
    for thing in things:
        times = f"{min(thing.seconds):.3g} | {median(thing.seconds):.3g}"
        print(f"| {thing.title} | {times} | {thing.peak / MIB:.0f} | {thing.own / MIB:.0f} |")
    above = (min(many.seconds) - min(few.seconds)) / min(copy.seconds)
    print(
        f"\nThe large file takes {above:.2g} times its cp longer than the small one, and its peak is"
        f" {(many.peak - few.peak) / LAYER:.3f} of its largest layer above the small one's."
    )


if __name__ == "__main__":
    main()
