#!/usr/bin/env python3
"""make_seeds.py PROGRAM DIRECTORY: genuine inputs for the fuzz targets, one folder each, from a small sweep, the
job files and the recordings of the tests. Records are written in the form of record_form.hpp."""

import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

import h5py
import numpy

HERE = pathlib.Path(__file__).parent
JOB = HERE / "seeds.toml"
STEPS = 4  # of the first episode of a recording: more is only slower
INTEGER, REAL, TEXT, INTEGERS, REALS, TEXTS, FLOAT32, FLOAT64, INT32, INT64, UINT8 = range(11)
ARRAYS = {"float32": FLOAT32, "float64": FLOAT64, "int32": INT32, "int64": INT64, "uint8": UINT8}


def name(text):
    data = text.encode()
    return bytes([len(data)]) + data


def attribute(path, key, value):
    def entry(kind, data):
        return bytes([kind]) + name(path) + name(key) + data

    if isinstance(value, bytes):
        value = value.decode()
    if isinstance(value, str):
        data = value.encode()
        return entry(TEXT, struct.pack("<I", len(data)) + data)
    value = numpy.asarray(value)
    if value.dtype.kind in "SOU":
        texts = [text.decode() if isinstance(text, bytes) else str(text) for text in value.ravel()]
        return entry(TEXTS, struct.pack("<I", len(texts)) + b"".join(map(name, texts)))
    whole = value.dtype.kind in "iub"
    data = value.astype("<i8" if whole else "<f8").tobytes()
    if value.ndim == 0:
        return entry(INTEGER if whole else REAL, data)
    return entry(INTEGERS if whole else REALS, struct.pack("<I", value.size) + data)


def array(path, values):
    if values.dtype.names:  # a table: that it is there is all that readers ask for
        values = numpy.zeros(1, "uint8")
    kind = ARRAYS.get(values.dtype.name)
    if kind is None:
        values = values.astype("int64" if values.dtype.kind in "iub" else "float64")
        kind = ARRAYS[values.dtype.name]
    extents = b"".join(struct.pack("<I", extent) for extent in values.shape)
    return (bytes([kind]) + name(path) + bytes([values.ndim]) + extents + struct.pack("<I", values.size)
            + values.tobytes())


def record(file, keep=lambda path: True, cut=lambda path, values: values):
    parts = [attribute("", key, value) for key, value in file.attrs.items()]

    def visit(path, item):
        if not keep(path):
            return
        if isinstance(item, h5py.Dataset):
            values = item[()]
            parts.append(array(path, cut(path, numpy.asarray(values))))
        else:
            parts.extend(attribute(path, key, value) for key, value in item.attrs.items())

    file.visititems(visit)
    return b"".join(parts)


def recording(path):
    """The first steps of the first episode, or the first case of an oracle."""
    with h5py.File(path) as file:
        first = sorted(file)[0]
        draws = file[first]["draw_step"][()] if "draw_step" in file[first] else None

        def cut(place, values):
            leaf = place.rsplit("/", 1)[-1]
            if "episode" not in first or values.ndim == 0:
                return values
            if draws is not None and len(values) == len(draws) and leaf.startswith("draw"):
                return values[draws < STEPS]
            steps = len(file[first]["action"])
            return values[:STEPS + len(values) - steps] if steps <= len(values) <= steps + 1 else values

        return record(file, lambda place: place.split("/")[0] == first, cut)


def main():
    program, directory = sys.argv[1], pathlib.Path(sys.argv[2])
    seeds = {kind: [] for kind in ("job", "round", "checkpoint", "events", "summaries", "pack", "trace")}
    seeds["job"] = [job.read_bytes() for job in (HERE.parent.parent / "jobs").glob("*.toml")]
    for path in sorted((HERE.parent / "data").glob("*.h5")):
        try:
            seeds["trace"].append(recording(path))
        except (KeyError, OSError):
            print(f"{path.name} is no recording; left out")

    with tempfile.TemporaryDirectory() as scratch:
        store = pathlib.Path(scratch) / "store"
        subprocess.run([program, "run", JOB, "--store", store], check=True, stdout=subprocess.DEVNULL)
        for path in sorted(store.glob("rounds/*/*.h5")):
            with h5py.File(path) as file:
                seeds["round"].append(record(file))
        for log in store.glob("events/*.log"):
            # Lengths and checksums are the harness's business.
            lines = [line[26:] for line in log.read_bytes().split(b"\n")]
            seeds["events"].append(b"\n".join(lines))
        with h5py.File(store / "summaries.h5") as file:
            seeds["summaries"].append(record(file))
        for flags in ([], ["--summary"]):
            pack = pathlib.Path(scratch) / "pack.h5"
            subprocess.run([program, "pack", store, pack, *flags], check=True, stdout=subprocess.DEVNULL)
            with h5py.File(pack) as file:
                seeds["pack"].append(record(file))
            pack.unlink()
        for which, chain in enumerate(("ppo", "dqn")):
            only = f"cartpole.{chain}.4.default.mask-weights.s00:r00"
            while len(seeds["checkpoint"]) <= which:
                shutil.rmtree(store)
                run = subprocess.Popen([program, "run", JOB, "--store", store, "--only", only],
                                       stdout=subprocess.DEVNULL)
                time.sleep(random.uniform(0.02, 0.3))  # it takes a fraction of a second
                run.send_signal(signal.SIGTERM)
                run.wait()
                for path in store.glob("live/*.h5"):
                    with h5py.File(path) as file:
                        seeds["checkpoint"].append(bytes([which]) + record(file))

    for kind, inputs in seeds.items():
        folder = directory / kind
        folder.mkdir(parents=True, exist_ok=True)
        for index, data in enumerate(inputs):
            (folder / f"seed-{index:02}").write_bytes(data)
        print(f"{kind}: {len(inputs)} seeds, the largest of {max(map(len, inputs))} bytes")


if __name__ == "__main__":
    main()
