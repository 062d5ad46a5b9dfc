"""Files of gigabytes that take no room."""

from __future__ import annotations

import os
from pathlib import Path

from fcnkit.caffe import prototxt, wire


def sparse(path: Path, channels: int, count: int) -> None:
    """A net of 1 x 1 convolutions, whose weights, all 0, take no room on the disk."""
    layers = [f'layer {{ name: "in" type: "Input" top: "x" input_param {{ shape {{ dim: [1, {channels}, 1, 1] }} }} }}']
    layers += [
        f'layer {{ name: "c{index}" type: "Convolution" bottom: "x" top: "x" convolution_param {{ kernel_size: 1'
        f" bias_term: false num_output: {channels} }} }}"
        for index in range(count)
    ]
    with path.open("wb") as file:
        for layer in prototxt.parse("\n".join(layers)).layer:
            definition = layer.SerializeToString()
            if layer.type == "Input":
                file.write(wire.header(100, len(definition)) + definition)
                continue
            length = 4 * channels**2
            dims = b"".join(map(wire.encode_varint, (channels, channels, 1, 1)))
            shape = wire.header(1, len(dims)) + dims
            head = wire.header(7, len(shape)) + shape + wire.header(5, length)
            blob = wire.header(7, len(head) + length) + head
            file.write(wire.header(100, len(definition) + len(blob) + length) + definition + blob)
            file.seek(length, os.SEEK_CUR)
        file.truncate()
