"""What can go wrong. Every message names the file, what is wrong with it, and the remedy."""

import importlib
from types import ModuleType


class StoreError(Exception):
    """A store, a pack or a request that cannot be served."""


class DamagedFile(StoreError):
    """A file that is there and is not what was once written: cut, altered, or made to mislead."""


class MissingPackage(StoreError, ImportError):
    """An optional package that is not installed; the message says what to install."""


def optional(module: str, package: str, purpose: str) -> ModuleType:
    """Imports `module`, or raises MissingPackage with the line that installs `package`."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise MissingPackage(f"{purpose} needs {module}; pip install {package}") from error
