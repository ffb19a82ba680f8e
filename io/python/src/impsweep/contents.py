"""Where results lie: in a store, in a pack, or in a summary pack. All are read only."""

import json
import tomllib
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DamagedFile, StoreError
from .files import MAGIC, Array, Group, Record, open_image, proved_payload, read_plain_file, read_record, text_of
from .program import find_program, run

SCHEMA = 1
Columns = dict[str, NDArray[Any]]  # a table: columns of equal length, texts as objects of type str


def is_digest(text: str) -> bool:
    return len(text) == 32 and all(digit in "0123456789abcdef" for digit in text)


def columns_of(rows: Array, origin: str) -> Columns:
    """A structured array as columns, with texts as str."""
    if rows.dtype.names is None:
        raise DamagedFile(f"{origin}: 'rounds' is no table; remove the file and run again")
    columns: Columns = {}
    for name in rows.dtype.names:
        column = rows[name]
        columns[name] = np.array([text_of(value) for value in column.tolist()], object) \
            if column.dtype.kind == "S" else np.ascontiguousarray(column)
    return columns


class Contents(ABC):
    """What a store or a pack holds."""

    path: Path
    has_weights = True

    @abstractmethod
    def fingerprint(self) -> dict[str, str]: ...

    @abstractmethod
    def jobs(self) -> dict[str, str]:
        """Texts of frozen jobs by their digest."""

    @abstractmethod
    def rounds(self) -> Columns:
        """The table of finished rounds, in any order."""

    @abstractmethod
    def record(self, digest: str) -> Record: ...

    def events(self) -> Iterator[dict[str, Any]]:
        """Events of all runs, log by log; none in packs."""
        yield from ()


class Directory(Contents):
    def __init__(self, path: Path) -> None:
        self.path = path
        self._identity = self._read_identity()

    def _read_identity(self) -> dict[str, Any]:
        file = self.path / "store.toml"
        if not file.exists():
            raise StoreError(f"{self.path}: is no store (it has no store.toml); give a store or a pack")
        try:
            identity = tomllib.loads(read_plain_file(file).decode())
        except ValueError as error:
            raise DamagedFile(f"{file}: {error}; restore a copy") from error
        if identity.get("schema") != SCHEMA:
            raise StoreError(f"{file}: has schema {identity.get('schema')}, this reader knows {SCHEMA}; "
                             "pip install the newer impsweep")
        return identity

    def fingerprint(self) -> dict[str, str]:
        return {str(entry): str(value) for entry, value in self._identity.get("fingerprint", {}).items()}

    def jobs(self) -> dict[str, str]:
        folder = self.path / "jobs"
        return {file.stem: read_plain_file(file).decode("utf-8", "replace") for file in sorted(folder.glob("*.toml"))}

    def _result(self, digest: str) -> Path:
        if not is_digest(digest):
            raise DamagedFile(f"{self.path}: '{digest}' is no name of a result")
        return self.path / "rounds" / digest[:2] / f"{digest}.h5"

    def finished(self) -> set[str]:
        """Digests of the results that are there. Folders that are links are left alone, as the program does."""
        return {file.stem for folder in (self.path / "rounds").glob("??") if not folder.is_symlink()
                for file in folder.glob("*.h5") if is_digest(file.stem) and file.stem.startswith(folder.name)}

    def rounds(self) -> Columns:
        finished = self.finished()
        file = self.path / "index.h5"
        columns: Columns = {}
        if file.exists():
            content = read_plain_file(file)
            index = Group(open_image(content, str(file)), str(file), len(content))
            columns = columns_of(index.array("rounds"), str(file))
            listed = np.array([digest in finished for digest in columns["digest"]], bool)
            columns = {name: column[listed] for name, column in columns.items()}
        if not finished:
            raise StoreError(f"{self.path}: no round is finished yet")
        missing = len(finished - set(columns.get("digest", ())))
        if missing == 0 and columns:
            return columns
        if find_program() is not None:
            return _columns_from_json(run(["export", str(self.path), "rounds", "--format", "json"]), columns)
        if not columns:
            raise StoreError(f"{file}: is missing; run the job again, which writes it, or put impsweep on the PATH")
        warnings.warn(f"{file}: does not list {missing} results that are there, as while a run is under way or after a "
                      "merge; with impsweep on the PATH they are found", stacklevel=3)
        return columns

    def record(self, digest: str) -> Record:
        path = self._result(digest)
        if path.parent.is_symlink():
            raise DamagedFile(f"{path.parent}: is a link, and leads out of the store")
        record = read_record(path)
        if record.attributes("").get("digest") != digest:
            raise DamagedFile(f"{path}: holds another result than its name says; remove it and run again")
        return record

    def events(self) -> Iterator[dict[str, Any]]:
        for log in sorted((self.path / "events").glob("*.log")):
            for line in read_plain_file(log).split(b"\n"):
                # "<length> <checksum> <JSON>"; a damaged line is skipped, as by the program.
                parts = line.split(b" ", 2)
                try:
                    event = json.loads(parts[2]) if int(parts[0], 16) == len(parts[2]) else None
                except (ValueError, IndexError, RecursionError):
                    continue
                if isinstance(event, dict):
                    yield event


def _columns_from_json(text: str, like: Columns) -> Columns:
    rows = json.loads(text)
    if not rows:
        return like
    columns: Columns = {}
    for name in rows[0]:
        values = [row[name] for row in rows]
        if any(isinstance(value, str) for value in values):
            columns[name] = np.array(values, object)
        elif all(isinstance(value, int) for value in values) and like.get(name, np.zeros(0, int)).dtype.kind == "i":
            columns[name] = np.array(values, np.int64)
        else:
            columns[name] = np.array([np.nan if value is None else value for value in values], np.float64)
    return columns


# Types of columns, and the array that holds their values.
POOLS = {"integer": "int64", "integers": "int64", "number": "float64", "numbers": "float64", "text": "uint8",
         "texts": "uint8", **{name: name for name in ("float32", "float64", "int32", "int64", "uint8")}}


class SummaryRecord:
    """A result of a summary pack."""

    def __init__(self, origin: str, attributes: dict[str, dict[str, Any]], arrays: dict[str, Array]) -> None:
        self.origin, self._attributes, self._arrays = origin, attributes, arrays

    def has(self, path: str) -> bool:
        return path in self._arrays

    def array(self, path: str) -> Array:
        if path not in self._arrays:
            raise DamagedFile(f"{self.origin}: has no array '{path}'; a summary has no masks, weights and snapshots")
        return self._arrays[path]

    def attributes(self, group: str) -> dict[str, Any]:
        return dict(self._attributes.get(group, {}))


def _value(kind: str, values: Array) -> Any:
    if kind in ("text", "texts"):
        text = values.tobytes().decode("utf-8", "replace")
        return text if kind == "text" else text.split("\0")[:-1]
    listed = values.tolist()
    return listed if kind.endswith("s") else listed[0]


def _follow(kind: str, matrix: Array) -> Array:
    """Means or deviations (divisor n) of the rows of a matrix; NaN in it is nothing. Sums go from left to right."""
    if matrix.ndim != 2 or matrix.dtype != np.float32 or not matrix.shape[1]:  # one of nothing may claim any number of rows
        raise ValueError("is no matrix")
    there = ~np.isnan(matrix)
    counts = there.sum(axis=1).astype(np.float64)
    with np.errstate(invalid="ignore"):
        means: Array = _row_sums(np.where(there, matrix, 0).astype(np.float64)) / counts
        if kind == "means":
            return means
        away = np.where(there, matrix, means[:, None]).astype(np.float64) - means[:, None]
        deviations: Array = np.sqrt(_row_sums(np.where(there, away * away, 0)) / counts)
        return deviations


def _row_sums(matrix: Array) -> Array:
    sums: Array = np.add.accumulate(matrix, axis=1)[:, -1]
    return sums


def read_summary_records(file: Group) -> dict[str, SummaryRecord]:
    """All results of the group `records` by digest: columns of attributes and arrays (docs/store.md)."""
    heads = file.attributes("records")
    damaged = DamagedFile(f"{file.origin}: its columns of results do not fit together; restore a copy")
    try:
        count, places, types, ranks = (heads[name] for name in ("count", "places", "types", "ranks"))
        extents = file.array("records/extents").tolist()
        pools = {name: file.array(f"records/{name}") for name in set(POOLS.values())}
        if not len(places) == len(types) == len(ranks) or not 0 <= count <= len(extents):
            raise damaged
        attributes: list[dict[str, dict[str, Any]]] = [{} for _ in range(count)]
        arrays: list[dict[str, Array]] = [{} for _ in range(count)]
        taken = dict.fromkeys(pools, 0)
        place_of_extent = 0
        following: list[tuple[dict[str, Array], str, str, str]] = []  # arrays of a record; place, what of, which
        for place, kind, rank in zip(places, types, ranks):
            what, of, source = kind.partition(" of ")
            pool = "float64" if of and what in ("means", "deviations") else POOLS[kind]
            for index in range(count):
                shape = extents[place_of_extent:place_of_extent + max(rank, 1)]
                place_of_extent += max(rank, 1)
                if len(shape) != max(rank, 1):
                    raise damaged
                if shape[0] == -1:
                    continue
                size = int(np.prod(shape, dtype=object))
                if min(shape) < 0 or size > len(pools[pool]) - taken[pool]:
                    raise damaged
                values = pools[pool][taken[pool]:taken[pool] + size]
                taken[pool] += size
                if of:
                    following.append((arrays[index], place, what, source))
                elif "@" in place:
                    group, _, name = place.rpartition("@")
                    attributes[index].setdefault(group, {})[name] = _value(kind, values)
                else:
                    arrays[index][place] = values.reshape(shape if rank else ())
        for record, place, what, source in following:
            record[place] = _follow(what, record[source])
        return {str(attributes[index][""]["digest"]): SummaryRecord(file.origin, attributes[index], arrays[index])
                for index in range(count)}
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise damaged from error


class Pack(Contents):
    """One file with the results themselves, or with all of them but weights."""

    def __init__(self, path: Path, content: bytes) -> None:
        self.path = path
        payload: bytes | memoryview = content
        if content.startswith(MAGIC):
            payload = proved_payload(content, str(path))
        self._file = Group(open_image(payload, str(path)), str(path), len(content))
        if not self._file.has("rounds"):
            raise StoreError(f"{path}: is neither a store nor a pack; `impsweep pack DIR FILE.h5` makes one")
        self._places: dict[str, Record] | None = None
        self.has_weights = self._file.group("records") is None

    def fingerprint(self) -> dict[str, str]:
        return {entry: str(value) for entry, value in self._file.attributes("fingerprint").items()}

    def jobs(self) -> dict[str, str]:
        return {digest: str(text) for digest, text in self._file.attributes("jobs").items()}

    def rounds(self) -> Columns:
        return columns_of(self._file.array("rounds"), str(self.path))

    def record(self, digest: str) -> Record:
        if self._places is None and not self.has_weights:
            self._places = dict(read_summary_records(self._file))
        if self._places is None:
            rows = self.rounds()
            self._places = {}
            for chain, number, name in zip(rows["chain"], rows["round"], rows["digest"]):
                if name not in self._places and \
                        (group := self._file.group(f"chains/{chain}/r{number:02}")) is not None:
                    self._places[name] = group
        if digest not in self._places:
            raise DamagedFile(f"{self.path}: has no result {digest}")
        return self._places[digest]


def open_contents(path: Path) -> Contents:
    """A store if `path` is a directory, else a pack."""
    if path.is_dir():
        return Directory(path)
    if not path.exists():
        raise StoreError(f"{path}: does not exist; give a store or a pack")
    return Pack(path, read_plain_file(path.resolve()))
