"""Layered layout of a directed acyclic graph, from top to bottom: positions of boxes and paths of edges.

The method is Sugiyama's: every box gets the row below the last box it needs, edges over several rows get a lane in
each row they cross, the order in the rows is changed until few edges cross, and the rows are shifted until edges are
straight.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

# Pixels: between boxes, between rows, of a lane, and around all.
GAP, ROW_GAP, LANE, MARGIN = 24.0, 40.0, 14.0, 24.0
_SWEEPS = 24
# The weight with which an edge is straightened, by how many of its ends are lanes. Edges of the longest path, the net's
# trunk, have a larger weight, and loose edges a smaller one.
_PULL = (1.0, 1.0, 12.0)
_TRUNK, _LOOSE = 8.0, 0.02


class Edge(NamedTuple):
    """An edge from one box to another, by their numbers; edges of one port leave a box at one point.

    A loose edge does not affect the positions of boxes.
    """

    tail: int
    head: int
    port: int
    loose: bool = False


@dataclass
class Spot:
    """A box, or where an edge crosses a row: its width, its centre x, its neighbours above and below and their pull."""

    width: float
    row: int
    x: float = 0.0
    is_lane: bool = False
    above: list[tuple[Spot, float]] = field(default_factory=list)
    below: list[tuple[Spot, float]] = field(default_factory=list)


class Layout(NamedTuple):
    """corners has each box's left top corner, ports the x of each box's ports, ways each edge's points.

    The points come in pairs: where an edge leaves a row, and where it enters the next. Within rows it is straight.
    """

    corners: list[tuple[float, float]]
    ways: list[list[tuple[float, float]]]
    ports: list[list[float]]
    width: float
    height: float

    def lowered(self, by: float) -> Layout:
        """The same layout with room above it."""
        corners = [(x, y + by) for x, y in self.corners]
        ways = [[(x, y + by) for x, y in way] for way in self.ways]
        return self._replace(corners=corners, ways=ways, height=self.height + by)


def arrange(sizes: Sequence[tuple[float, float]], ports: Sequence[int], edges: Sequence[Edge]) -> Layout:
    """Lay out a graph.

    Args:
        sizes: width and height of each box.
        ports: the number of points of each box at which edges leave it.
        edges: between boxes, from a lower number to a higher one.
    """
    rows = _rows(len(sizes), edges)
    boxes = [Spot(width, row) for (width, _), row in zip(sizes, rows, strict=True)]
    lanes = [_lane(boxes[e.tail], boxes[e.head], pull) for e, pull in zip(edges, _pulls(edges, rows), strict=True)]
    grid = _ordered([*boxes, *(spot for chain in lanes for spot in chain[1:-1])])
    _shift(grid)
    left = min(spot.x - spot.width / 2 for row in grid for spot in row) - MARGIN
    for spot in (spot for row in grid for spot in row):
        spot.x -= left
    tops, bottoms = _heights(sizes, rows)
    return Layout(
        [(box.x - box.width / 2, tops[box.row]) for box in boxes],
        _ways(boxes, lanes, edges, ports, tops, bottoms),
        [[_port(box, index, count) for index in range(count)] for box, count in zip(boxes, ports, strict=True)],
        max(spot.x + spot.width / 2 for row in grid for spot in row) + MARGIN,
        bottoms[-1] + MARGIN,
    )


def _rows(count: int, edges: Sequence[Edge]) -> list[int]:
    """The row of each box: one below the last box it needs; a box that needs none is right above its first reader."""
    rows = [0] * count
    for edge in sorted(edges, key=lambda edge: edge.tail):
        rows[edge.head] = max(rows[edge.head], rows[edge.tail] + 1)
    heads = {edge.head for edge in edges}
    for box in range(count):
        below = [rows[edge.head] for edge in edges if edge.tail == box]
        if box not in heads and below:
            rows[box] = min(below) - 1
    return rows


def _pulls(edges: Sequence[Edge], rows: Sequence[int]) -> list[float]:
    """The weight of each edge; of a box's edges, the one on the longest path has the largest."""
    left = [0] * len(rows)
    for edge in sorted(edges, key=lambda edge: -edge.head):
        left[edge.tail] = max(left[edge.tail], left[edge.head] + 1)
    # If several paths are equally long, none is the trunk.
    trunk = Counter(edge.tail for edge in edges if left[edge.head] == left[edge.tail] - 1)
    return [
        _LOOSE if edge.loose
        else _TRUNK if left[edge.head] == left[edge.tail] - 1 and trunk[edge.tail] == 1
        else 1.0
        for edge in edges
    ]  # fmt: skip


def _lane(tail: Spot, head: Spot, pull: float) -> list[Spot]:
    """The edge's spots from tail to head, linked as neighbours."""
    chain = [tail, *(Spot(LANE, row, is_lane=True) for row in range(tail.row + 1, head.row)), head]
    for above, below in pairwise(chain):
        weight = pull if not (above.is_lane or below.is_lane) else min(pull, 1.0) * _PULL[above.is_lane + below.is_lane]
        above.below.append((below, weight))
        below.above.append((above, weight))
    return chain


def _ordered(spots: Sequence[Spot]) -> list[list[Spot]]:
    """The spots row by row; each sweep sorts the rows by the neighbours' positions, and the best order is kept."""
    grid: list[list[Spot]] = [[] for _ in range(max(spot.row for spot in spots) + 1)]
    for spot in spots:
        grid[spot.row].append(spot)
    best, fewest = [list(row) for row in grid], _crossings(grid)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        for row in grid if sweep % 2 == 0 else reversed(grid):
            place = {id(spot): index for line in grid for index, spot in enumerate(line)}
            wishes = []
            for spot in row:
                near = [place[id(other)] for other, _ in (spot.above if sweep % 2 == 0 else spot.below)]
                wishes.append(sum(near) / len(near) if near else place[id(spot)])
            row[:] = [row[index] for index in sorted(range(len(row)), key=wishes.__getitem__)]
        crossings = _crossings(grid)
        if crossings < fewest:
            best, fewest = [list(row) for row in grid], crossings
    return best


def _crossings(grid: Sequence[Sequence[Spot]]) -> int:
    count = 0
    for row, next_row in pairwise(grid):
        place = {id(spot): index for index, spot in enumerate(next_row)}
        seen: list[int] = []
        for spot in row:
            ends = sorted(place[id(other)] for other, _ in spot.below)
            count += sum(len(seen) - bisect_right(seen, end) for end in ends)
            for end in ends:
                insort(seen, end)
    return count


def _shift(grid: Sequence[Sequence[Spot]]) -> None:
    """Move the spots within their rows until edges are as straight as they can be."""
    for row in grid:
        _settle(row, [spot.x for spot in row], [1.0] * len(row))
    for sweep in range(2 * _SWEEPS):
        down = sweep % 2 == 0
        for row in grid if down else reversed(grid):
            wishes, weights = [], []
            for spot in row:
                near = spot.above if down else spot.below
                weight = sum(pull for _, pull in near)
                wishes.append(sum(other.x * pull for other, pull in near) / weight if near else spot.x)
                weights.append(weight or _LOOSE)
            _settle(row, wishes, weights)


def _settle(row: Sequence[Spot], wishes: Sequence[float], weights: Sequence[float]) -> None:
    """Put a row's spots as near as possible to their desired positions, in their order and with gaps between them.

    The least squares are found by pooling neighbours that would be too close (isotonic regression).
    """
    starts = [0.0]
    for one, other in pairwise(row):
        starts.append(starts[-1] + (one.width + other.width) / 2 + GAP)
    pools: list[tuple[float, float, int]] = []
    for wish, weight, start in zip(wishes, weights, starts, strict=True):
        pools.append((wish - start, weight, 1))
        while len(pools) > 1 and pools[-2][0] > pools[-1][0]:
            (left, w1, n1), (right, w2, n2) = pools[-2:]
            pools[-2:] = [((left * w1 + right * w2) / (w1 + w2), w1 + w2, n1 + n2)]
    places = (place for place, _, count in pools for _ in range(count))
    for spot, place, start in zip(row, places, starts, strict=True):
        spot.x = place + start


def _heights(sizes: Sequence[tuple[float, float]], rows: Sequence[int]) -> tuple[list[float], list[float]]:
    """Where each row begins and ends."""
    tallest: defaultdict[int, float] = defaultdict(float)
    for (_, height), row in zip(sizes, rows, strict=True):
        tallest[row] = max(tallest[row], height)
    tops, bottoms, y = [], [], MARGIN
    for row in range(max(rows) + 1):
        tops.append(y)
        bottoms.append(y + tallest[row])
        y += tallest[row] + ROW_GAP
    return tops, bottoms


def _port(box: Spot, index: int, count: int) -> float:
    return box.x + box.width * ((index + 0.5) / count - 0.5)


def _ways(
    boxes: Sequence[Spot],
    lanes: Sequence[Sequence[Spot]],
    edges: Sequence[Edge],
    ports: Sequence[int],
    tops: Sequence[float],
    bottoms: Sequence[float],
) -> list[list[tuple[float, float]]]:
    """The points of each edge; edges arrive at a box side by side, in the order in which they come."""
    arriving: defaultdict[int, list[int]] = defaultdict(list)
    for number in sorted(range(len(edges)), key=lambda number: lanes[number][-2].x):
        arriving[edges[number].head].append(number)
    ways = []
    for number, (edge, chain) in enumerate(zip(edges, lanes, strict=True)):
        others = arriving[edge.head]
        xs = [spot.x for spot in chain]
        xs[0] = _port(boxes[edge.tail], edge.port, ports[edge.tail])
        xs[-1] = _port(boxes[edge.head], others.index(number), len(others))
        way = []
        for row, (one, other) in enumerate(pairwise(xs), chain[0].row):
            way += [(one, bottoms[row]), (other, tops[row + 1])]
        ways.append(way)
    return ways
