"""A store seen by Python: h5py walks every link of the index, pandas makes a table of it.

usage: index_h5py_test.py PROGRAM      where PROGRAM DIRECTORY writes the sample store
"""

import math
import pathlib
import shutil
import subprocess
import sys
import tempfile

import h5py
import numpy as np


def check_record(record, expected_return):
    assert np.array_equal(record.attrs["return"], expected_return, equal_nan=True)
    assert record.attrs["recipe"].decode() == 'task = "cartpole"\n'
    assert record.attrs["note"].decode() == "naïve"
    assert record["settings"].attrs["hidden"].tolist() == [128, 64]
    assert [name.decode() for name in record["settings"].attrs["names"]] == ["actor/0", "critic"]
    assert record["provenance"].attrs["host"].decode() == "node1"
    assert record["curve/mean"].dtype == np.float64 and record["curve/mean"].shape == (2,)
    weights = record["weights/actor/0"]
    assert weights.dtype == np.float32 and weights.shape == (30, 40, 10)
    assert weights.compression == "gzip" and weights.shuffle
    assert len(set(weights[:].ravel().tolist())) == 1
    assert record["mask"].dtype == np.uint8 and record["mask"][:].tolist() == [[1, 0, 1], [1, 0, 0]]


def check_index(store):
    with h5py.File(store / "index.h5", "r") as index:
        rows = index["rounds"][:]
        assert rows.dtype.names == ("chain", "round", "seed", "return", "note")
        assert len(rows) == 12
        assert len(index["chains"]) == 3
        walked = 0
        for row in rows:
            check_record(index["chains"][row["chain"].decode()][row["round"].decode()], row["return"])
            walked += 1
        assert walked == sum(len(chain) for chain in index["chains"].values()) == 12
        assert rows["note"][1].decode() == "naïve" and rows["note"][0] == b""
        check_pandas(rows)


def check_pandas(rows):
    try:
        import pandas
    except ImportError:
        print("pandas is not installed: the table was checked with numpy only")
        return
    frame = pandas.DataFrame(rows)
    assert list(frame.columns) == ["chain", "round", "seed", "return", "note"]
    assert frame["seed"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert frame["return"][5] == 1.1 and math.isnan(frame["return"][11])
    assert frame.groupby("seed")["return"].count().tolist() == [4, 4, 3]


def main(program):
    with tempfile.TemporaryDirectory() as directory:
        store = pathlib.Path(directory) / "store"
        subprocess.run([program, store], check=True)
        check_index(store)
        files = sorted(store.glob("rounds/*/*.h5"))
        assert len(files) == 12
        with h5py.File(files[0], "r") as file:  # a result opens by itself, user block and all
            assert file.userblock_size == 512
            assert file["mask"].shape == (2, 3)
        moved = shutil.move(store, pathlib.Path(directory) / "elsewhere")  # links are relative
        check_index(pathlib.Path(moved))


if __name__ == "__main__":
    main(sys.argv[1])
