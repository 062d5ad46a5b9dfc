"""Runs that are captured as graphs: when, and with which results."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

import fcnkit
from fcnkit.fast import graphs
from fcnkit.fast.graphs import Graphs, Run
from fcnkit.generation.nets import generate
from tests.fast.nets import apart, image, seeded, thin


def doubled(inputs: Sequence[Tensor]) -> list[Tensor]:
    return [2 * each for each in inputs]


def test_runs_are_captured_when_shapes_come_again() -> None:
    captured: list[torch.Size] = []

    def capture(run: Run, inputs: Sequence[Tensor]) -> Run:
        captured.append(inputs[0].shape)
        return lambda given: run(given)

    runs = Graphs(doubled, capture)
    for size in (3, 4, 3, 3, 4):
        given = torch.rand(1, size)
        assert torch.equal(runs([given])[0], 2 * given)
    assert captured == [(1, 3), (1, 4)]


def test_a_run_that_cannot_be_captured_is_tried_once() -> None:
    tried = []

    def capture(run: Run, inputs: Sequence[Tensor]) -> Run:
        tried.append(1)
        raise RuntimeError("operation not permitted when stream is capturing")

    runs = Graphs(doubled, capture)
    for _ in range(4):
        given = torch.rand(1, 3)
        assert torch.equal(runs([given])[0], 2 * given)
    assert len(tried) == 1


def test_few_graphs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graphs, "_GRAPHS", 2)
    runs = Graphs(doubled, lambda run, inputs: run)
    for size in range(1, 6):
        runs([torch.rand(size)])
    assert len(runs._graphs) == 2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_nets_on_cuda() -> None:
    net = seeded(thin(generate("fcn8s"))).cuda()
    run = fcnkit.optimized(net)
    with torch.no_grad():
        for number, size in enumerate([(120, 90), (64, 64), (120, 90), (120, 90), (64, 64)]):
            given = image(1, 3, *size).cuda() + number
            assert apart(run(given), net(given)) <= 1e-4
