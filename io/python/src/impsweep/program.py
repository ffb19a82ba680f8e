"""The program impsweep, for what is not read but computed: playing a policy, weights that a round began with."""

import os
import shutil
import subprocess
from collections.abc import Sequence

from .errors import StoreError


def find_program() -> str | None:
    """$IMPSWEEP_PROGRAM, or `impsweep` on the PATH; None if there is neither."""
    return os.environ.get("IMPSWEEP_PROGRAM") or shutil.which("impsweep")


def run(arguments: Sequence[str]) -> str:
    """Runs the program and returns what it prints. StoreError with its own words if it fails or is not found."""
    program = find_program()
    if program is None:
        raise StoreError(f"`impsweep {arguments[0]}` is needed for this; put impsweep on the PATH, or set "
                         "IMPSWEEP_PROGRAM to where it was built")
    try:
        result = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise StoreError(f"{program}: cannot be started: {error.strerror}; set IMPSWEEP_PROGRAM") from error
    if result.returncode != 0:
        raise StoreError(result.stderr.strip() or f"`impsweep {arguments[0]}` failed with code {result.returncode}")
    return result.stdout
