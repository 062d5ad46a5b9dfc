"""Saving and loading nets. One module per format, and a record of each in `format`."""

from fcnkit.formats.format import Format, Holds, recognize, suffixes
from fcnkit.formats.loading import convert, load
from fcnkit.formats.saving import outputs, save

__all__ = ["Format", "Holds", "convert", "load", "outputs", "recognize", "save", "suffixes"]
