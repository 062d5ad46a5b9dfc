"""Spans through windows, against the dependence of each pixel spelled out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fcnkit.geometry.grids import AxisWindow
from fcnkit.geometry.spans import Span, covered_span, hull, reached_span, read_span

WINDOWS = st.builds(
    AxisWindow, kernel=st.integers(1, 6), stride=st.integers(1, 4), pad=st.integers(0, 5), up=st.booleans()
)
# Far more pixels than a window of these can reach from a span in the middle.
FAR = 130


def sees(window: AxisWindow, top: int) -> set[int]:
    """The pixels of the bottom, and of its padding, that a pixel of the top depends on."""
    if window.up:
        return {x for x in range(-FAR, FAR) if 0 <= top - (x * window.stride - window.pad) < window.kernel}
    first = top * window.stride - window.pad
    return set(range(first, first + window.kernel))


def spans() -> st.SearchStrategy[Span]:
    return st.builds(lambda start, length: Span(start, start + length), st.integers(-5, 8), st.integers(1, 8))


@given(WINDOWS, spans())
def test_spans_through_windows(window: AxisWindow, span: Span) -> None:
    inside = set(range(*span))
    tops = range(-100, 100)
    reached = [top for top in tops if sees(window, top) & inside]
    # With a stride above the kernel some pixels see nothing; spans have no gaps.
    found = reached_span(window, span)
    assert {top for top in tops if found.start <= top < found.stop} >= set(reached)
    if window.kernel >= window.stride:
        assert [top for top in tops if found.start <= top < found.stop] == reached
    covered = covered_span(window, span)
    assert all(sees(window, top) <= inside for top in range(*covered))
    if window.kernel >= window.stride:
        assert [top for top in tops if sees(window, top) <= inside] == list(range(*covered))
    read = read_span(window, span)
    assert set(range(*read)) >= set().union(*(sees(window, top) for top in inside))


def test_spans() -> None:
    assert Span(2, 5).within(Span(3, 9)) == Span(3, 5)
    assert Span(2, 5).within(Span(7, 9)).length == 0
    assert hull([Span(2, 3), Span(7, 9), Span(1, 2)]) == Span(1, 9)
