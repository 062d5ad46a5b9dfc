"""The location of fcnkit's data: `templates/` and `proto/`."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def folder(name: str) -> Path:
    """The folder `name`, of the installed package or else of the checkout.

    Raises:
        FileNotFoundError: neither exists: the installation is incomplete.
    """
    checkout = _PACKAGE.parent
    for candidate in (_PACKAGE / name, checkout / name if (checkout / "setup.py").is_file() else None):
        if candidate is not None and candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"fcnkit is installed without its folder {name!r}; reinstall it")
