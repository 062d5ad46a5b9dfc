"""The names of the classes of the published FCNs, in the order of their scores.

Source: shelhamer/fcn.berkeleyvision.org data/pascal-context/classes-59.txt, data/sift-flow/classes.txt and
data/nyud/classes.txt; for VOC the development kit of PASCAL VOC 2012.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from fcnkit.errors import FileFormatError, InputError, nearest

BACKGROUND = "background"
# The prefix of the number of a class without a name.
NUMBERED = "class "


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


_VOC_OBJECTS = _names(
    "aeroplane, bicycle, bird, boat, bottle, bus, car, cat, chair, cow, diningtable, dog, horse, motorbike, person,"
    "pottedplant, sheep, sofa, train, tvmonitor"
)
VOC = (BACKGROUND, *_VOC_OBJECTS)
PASCAL_CONTEXT_59 = _VOC_OBJECTS + _names(
    "bag, bed, bench, book, building, cabinet, ceiling, clothes, computer, cup, door, fence, floor, flower, food,"
    "grass, ground, keyboard, light, mountain, mouse, curtain, platform, sign, plate, road, rock, shelves, sidewalk,"
    "sky, snow, bedcloth, track, tree, truck, wall, water, window, wood"
)
PASCAL_CONTEXT = (BACKGROUND, *PASCAL_CONTEXT_59)
SIFT_FLOW = _names(
    "awning, balcony, bird, boat, bridge, building, bus, car, cow, crosswalk, desert, door, fence, field, grass, moon,"
    "mountain, person, plant, pole, river, road, rock, sand, sea, sidewalk, sign, sky, staircase, streetlight, sun,"
    "tree, window"
)
SIFT_FLOW_GEO = ("sky", "horizontal", "vertical")
NYUD = _names(
    "wall, floor, cabinet, bed, chair, sofa, table, door, window, bookshelf, picture, counter, blinds, desk, shelves,"
    "curtain, dresser, pillow, mirror, floor mat, clothes, ceiling, books, refrigerator, television, paper, towel,"
    "shower curtain, box, whiteboard, person, night stand, toilet, sink, lamp, bathtub, bag, other structure,"
    "other furniture, other prop"
)

SETS = {
    "voc": VOC,
    "pascal-context": PASCAL_CONTEXT,
    "pascal-context-59": PASCAL_CONTEXT_59,
    "siftflow": SIFT_FLOW,
    "siftflow-geo": SIFT_FLOW_GEO,
    "nyud": NYUD,
}
# Three classes are too few to identify a data set.
_BY_COUNT = {len(names): names for names in SETS.values() if len(names) > 3}
MOST = 256
# The most names that an error lists.
_LISTED = 64
# The number of a synset of WordNet before its words.
_SYNSET = re.compile(r"^n\d{8} ")


def by_count(count: int) -> tuple[str, ...]:
    """Names for `count` classes: those of the data set with this number of classes, else numbers."""
    return _BY_COUNT.get(count) or tuple(f"{NUMBERED}{label}" for label in range(count))


def resolve(text: str, most: int | None = MOST) -> tuple[str, ...]:
    """The names for a number of classes, the name of a data set, or a file with one name per line.

    Args:
        text: one of these.
        most: the most classes, those of a label map by default; None for any number.

    Raises:
        InputError, FileFormatError: it is none of these, or the file contains no names or too many.
    """
    if text.isdecimal():
        if not 1 <= int(text) <= (most or int(text)):
            raise InputError(f"{text} classes: label maps have 1 to {most}")
        return by_count(int(text))
    if text in SETS:
        return SETS[text]
    try:
        names = Path(text).read_text(encoding="utf-8").strip().splitlines()
    except FileNotFoundError:
        known = ", ".join(SETS)
        problem = f"is neither a number of classes, nor one of {known}, nor a file{nearest(text, SETS)}"
        raise InputError(problem).in_file(text) from None
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise FileFormatError(f"cannot be read as names of classes, one per line: {problem}").in_file(text) from None
    if not 1 <= len(names) <= (most or len(names)):
        raise FileFormatError(f"names {len(names)} classes, one per line; label maps have 1 to {most}").in_file(text)
    return tuple(name.strip() for name in names)


def names_for(count: int, text: str | None, most: int | None = MOST) -> tuple[str, ...]:
    """Names for the classes of a net: as given (see `resolve`), by default those for their number.

    Raises:
        InputError: the number of names differs from the number of classes.
    """
    if text is None:
        return by_count(count)
    names = resolve(text, most)
    if len(names) != count:
        raise InputError(f"names {len(names)} classes; the net has {count}").in_file(text)
    return names


def background(names: Sequence[str]) -> int | None:
    """The class that pictures leave uncoloured: 0 where it is the background; None for data sets without one."""
    return 0 if names[0] in (BACKGROUND, NUMBERED + "0") else None


def class_of(text: str, names: Sequence[str]) -> int:
    """The class with a given number or name.

    Of names in the form of ImageNet's synset_words.txt, `n02123045 tabby, tabby cat`, each part is a name too.

    Raises:
        InputError: there is no such class, or several have the name.
    """
    if text in names:
        return names.index(text)
    if text.isdecimal() and int(text) < len(names):
        return int(text)
    found = [number for number, name in enumerate(names) if text in _SYNSET.sub("", name).split(", ")]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"the classes {', '.join(map(str, found))} are named {text!r}; choose one by its number")
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    shown = ", ".join(names[:_LISTED])
    hint = nearest(text, [word for name in names for word in _SYNSET.sub("", name).split(", ")])
    way_out = "; give their names with `classes`" if names[0].startswith(NUMBERED) else ""
    numbers = f"0 to {len(names) - 1}"
    raise InputError(f"there is no class {text!r}{hint}; the classes are {shown}{more}, or {numbers}{way_out}")
