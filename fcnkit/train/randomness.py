"""The states of the random number generators, stored in a snapshot so that a run resumes exactly."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from fcnkit.segment.parallel import Ranks


def random_state(processes: Ranks, device: torch.device) -> dict[str, list[str]]:
    """The states of the generators that a net draws from, of each process, as text; each process must call it."""
    state = {"random": [_text(each) for each in _gathered(processes, torch.get_rng_state())], "cuda": []}
    if device.type == "cuda":
        state["cuda"] = [_text(each) for each in _gathered(processes, torch.cuda.get_rng_state(device))]
    return state


def set_random_state(state: Mapping[str, Any], processes: Ranks, device: torch.device) -> None:
    """Restore the generators to the states that `random_state` returned."""
    torch.set_rng_state(_tensor(state["random"][processes.rank]))
    if device.type == "cuda" and state["cuda"]:
        torch.cuda.set_rng_state(_tensor(state["cuda"][processes.rank]), device)


def _gathered(processes: Ranks, tensor: Tensor) -> list[Tensor]:
    if processes.world == 1:
        return [tensor]
    found = [torch.empty_like(tensor) for _ in range(processes.world)]
    torch.distributed.all_gather(found, tensor)
    return found


def _text(tensor: Tensor) -> str:
    return base64.b64encode(tensor.cpu().numpy().tobytes()).decode()


def _tensor(text: str) -> Tensor:
    return torch.frombuffer(bytearray(base64.b64decode(text)), dtype=torch.uint8)
