"""The Caffes that a net can be written for, and the layers each of them has."""

from __future__ import annotations

from dataclasses import dataclass

from fcnkit.errors import InputError
from fcnkit.types import all_types


@dataclass(frozen=True)
class Target:
    """A Caffe, or a tool that reads Caffe's files.

    Attributes:
        name: as given to `from_torch`.
        title: in sentences.
        layers: the names of the layer types that it has.
        lacks: fields of layers that it lacks, as `pooling_param.round_mode`.
    """

    name: str
    title: str
    layers: frozenset[str]
    lacks: frozenset[str] = frozenset()

    def has(self, kind: str) -> bool:
        """Whether it has a layer type, or a field of one: "Clip", "pooling_param.round_mode"."""
        return kind not in self.lacks if "." in kind else kind in self.layers


_BVLC = frozenset(record.name for record in all_types() if not record.of_fork)

BVLC = Target("bvlc", "BVLC Caffe", _BVLC)
# Source: BVLC/caffe, src/caffe/proto/caffe.proto of the tag 1.0 and of master.
BVLC_1_0 = Target("bvlc-1.0", "BVLC Caffe 1.0", _BVLC - {"Clip"} - {"Swish"}, frozenset({"pooling_param.round_mode"}))

TARGETS = {target.name: target for target in (BVLC, BVLC_1_0)}


def find(name: str) -> Target:
    """A target by its name.

    Raises:
        InputError: there is none of that name.
    """
    if name not in TARGETS:
        raise InputError(f"unknown `target` {name!r}; there are {', '.join(TARGETS)}")
    return TARGETS[name]
