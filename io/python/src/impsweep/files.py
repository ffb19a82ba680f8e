"""Files as they lie on a disk: read once, proved whole, and only then given to the HDF5 library.

A torn HDF5 file can crash its reader, and a file of a stranger may lie about its size or lead elsewhere. So the user
block is compared first (docs/store.md), the very bytes that were compared are opened, links other than hard ones are
not followed, and an array is refused that claims to be larger than its file can hold.
"""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from .errors import DamagedFile, StoreError
from .xxh3 import xxh3_128_hex

USER_BLOCK = 512  # bytes
RECORD_FORMAT = 1
MAGIC = b"impsweep record, format "
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
LARGEST_RATIO = 1032  # of deflate: no byte of a file stands for more
# What h5py throws at content that is not as it should be.
HDF5_ERRORS = (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, OverflowError, MemoryError)

Array = NDArray[Any]


class Record(Protocol):
    """A result: attributes by group, arrays by path, as in docs/store.md."""

    origin: str  # file and place, for messages

    def has(self, path: str) -> bool:
        """Whether there is such an array."""

    def array(self, path: str) -> Array:
        """The array, of the file's own type and shape. DamagedFile if it is missing."""

    def attributes(self, group: str) -> dict[str, Any]:
        """Numbers, str, and lists of them; empty if there is no such group. The root is ""."""


def read_plain_file(path: Path) -> bytes:
    """StoreError if it is missing or cannot be read, DamagedFile if it is no plain file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
    except OSError as error:
        raise StoreError(f"{path}: cannot be read: {error.strerror}") from error
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise DamagedFile(f"{path}: is no plain file; check that this is the right store")
        return file.read()


def _user_block(payload: memoryview) -> bytes:
    text = (f"{MAGIC.decode()}{RECORD_FORMAT}\npayload_bytes {len(payload)}\n"
            f"payload_xxh3_128 {xxh3_128_hex(payload)}\n"
            f"This is an HDF5 file with a user block of {USER_BLOCK} bytes; h5py, h5ls and others open it as it is.\n")
    return text.encode().ljust(USER_BLOCK, b"\0")


def proved_payload(content: bytes, name: str) -> memoryview:
    """What follows the user block, once length and checksum are right."""
    remedy = "restore a copy, or remove it and run again"
    if not content.startswith(MAGIC):
        what = "is empty" if not content else "does not begin like an impsweep record"
        raise DamagedFile(f"{name}: {what}; {remedy}")
    digits = content[len(MAGIC):USER_BLOCK].split(b"\n")[0]
    if digits.isdigit() and int(digits) > RECORD_FORMAT:
        raise StoreError(f"{name}: is of format {int(digits)}, this reader knows format {RECORD_FORMAT}; "
                         "pip install the newer impsweep")
    payload = memoryview(content)[USER_BLOCK:]
    if len(payload) <= 240:
        raise DamagedFile(f"{name}: is truncated; {remedy}")
    if _user_block(payload) != content[:USER_BLOCK]:
        raise DamagedFile(f"{name}: is cut or altered (its length or its checksum does not match); {remedy}")
    return payload


def open_image(payload: bytes | memoryview, name: str) -> h5py.Group:
    """An HDF5 file in memory."""
    if bytes(payload[:8]) != HDF5_SIGNATURE:
        raise DamagedFile(f"{name}: is no HDF5 file; check that this is the right file")
    try:
        return h5py.File(h5py.h5f.open_file_image(bytes(payload)))
    except HDF5_ERRORS as error:
        raise DamagedFile(f"{name}: HDF5 cannot open it: {error}; restore a copy") from error


def text_of(value: Any) -> str:
    return value.decode("utf-8", "replace").rstrip("\0") if isinstance(value, bytes) else str(value)


def _plain(value: Any) -> Any:
    """An attribute as int, float, str or a list of them."""
    if isinstance(value, (bytes, str)):
        return text_of(value)
    if isinstance(value, np.ndarray):
        return [_plain(item) for item in value.ravel().tolist()]
    return value.item() if isinstance(value, np.generic) else value


class Group:
    """A group of an HDF5 file, as a Record."""

    def __init__(self, group: h5py.Group, origin: str, file_bytes: int) -> None:
        self._group, self.origin, self._file_bytes = group, origin, file_bytes

    def _find(self, path: str) -> Any:
        """The object, or None. Soft and external links count as missing."""
        found: Any = self._group
        try:
            for name in path.split("/") if path else []:
                if not isinstance(found, h5py.Group):
                    return None
                if not isinstance(found.get(name, getlink=True), h5py.HardLink):
                    return None
                found = found[name]
        except HDF5_ERRORS:
            return None
        return found

    def has(self, path: str) -> bool:
        return isinstance(self._find(path), h5py.Dataset)

    def names(self, path: str = "") -> list[str]:
        """Members of a group, by name; none if there is no such group."""
        found = self._find(path)
        return sorted(found) if isinstance(found, h5py.Group) else []

    def group(self, path: str) -> "Group | None":
        found = self._find(path)
        return Group(found, f"{self.origin}/{path}", self._file_bytes) if isinstance(found, h5py.Group) else None

    def attributes(self, group: str) -> dict[str, Any]:
        found = self._find(group)
        try:
            return {} if found is None else {name: _plain(value) for name, value in found.attrs.items()}
        except HDF5_ERRORS as error:
            raise DamagedFile(f"{self.origin}: attributes of '{group}': {error}") from error

    def array(self, path: str) -> Array:
        found = self._find(path)
        if not isinstance(found, h5py.Dataset):
            raise DamagedFile(f"{self.origin}: has no array '{path}'; check that this is the right file")
        try:
            if found.external is not None or found.is_virtual:
                raise DamagedFile(f"{self.origin}: '{path}' lies in another file, and is not read")
            if found.dtype.hasobject:
                raise DamagedFile(f"{self.origin}: '{path}' has elements of no fixed size")
            if found.size is None or found.size * found.dtype.itemsize > LARGEST_RATIO * self._file_bytes:
                raise DamagedFile(f"{self.origin}: '{path}' claims more elements than the file can hold")
            values: Array = np.asarray(found[()])
        except HDF5_ERRORS as error:
            raise DamagedFile(f"{self.origin}: '{path}' cannot be read: {error}") from error
        return values

    def children(self, path: str = "") -> Iterator[tuple[str, "Group"]]:
        for name in self.names(path):
            child = self.group(f"{path}/{name}" if path else name)
            if child is not None:
                yield name, child


def read_record(path: Path) -> Group:
    """A result or any other file with a user block. DamagedFile unless it is whole."""
    content = read_plain_file(path)
    payload = proved_payload(content, str(path))
    return Group(open_image(payload, str(path)), str(path), len(content))


def values_of(record: Record, path: str, kind: str) -> Array:
    """The array, whose elements must be of this kind of numpy ("f", "i", "u")."""
    array = record.array(path)
    if array.dtype.kind != kind:
        raise DamagedFile(f"{record.origin}: '{path}' holds {array.dtype}, which is of another kind than expected")
    return array


def density_of(record: Record) -> float:
    """Part of the prunable weights that was trained."""
    density = record.attributes("result").get("density")
    if not isinstance(density, (int, float)):
        raise DamagedFile(f"{record.origin}: its result has no density")
    return float(density)
