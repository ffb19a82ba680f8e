"""impsweep's results in Python: see docs/python.md."""

from .errors import DamagedFile, MissingPackage, StoreError
from .scores import Scores
from .store import Store
from .ticket import Ticket
from .trajectory import Trajectory

__all__ = ["DamagedFile", "MissingPackage", "Scores", "Store", "StoreError", "Ticket", "Trajectory"]
