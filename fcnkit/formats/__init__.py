"""Saving and loading nets. Each format has a module, and a record in `format`."""

from fcnkit.formats.format import Format, Holds, recognize, suffixes
from fcnkit.formats.loading import convert, load
from fcnkit.formats.saving import outputs, save

__all__ = ["Format", "Holds", "convert", "load", "outputs", "recognize", "save", "suffixes"]
