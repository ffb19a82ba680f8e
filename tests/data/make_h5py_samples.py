"""Writes h5py-old.h5 and h5py-new.h5: the ways in which Python programs store numbers and texts.

The files are kept; run this only to change them. "old" and "new" are the two generations of the HDF5 format.
"""

import pathlib

import h5py
import numpy as np

HERE = pathlib.Path(__file__).parent


def add_padded_text(group, name, content, padding):
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(len(content))
    kind.set_strpad(padding)
    attribute = h5py.h5a.create(group.id, name.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))
    attribute.write(np.array(content, dtype=f"S{len(content)}"), mtype=kind)


def write(path, libver):
    with h5py.File(path, "w", libver=libver, track_order=False) as f:
        f.attrs["int32"] = np.int32(-7)
        f.attrs["uint8"] = np.uint8(200)
        f.attrs["too_large"] = np.uint64(2**63)
        f.attrs["truth"] = True
        f.attrs["float32"] = np.float32(0.1)
        f.attrs["float64"] = 0.1
        f.attrs["variable_text"] = "naïve"
        f.attrs["fixed_text"] = np.bytes_("fixed")
        f.attrs["hidden"] = np.array([128, 64], dtype="i8")
        f.attrs["small"] = np.array([-1, 2, 3], dtype="i1")
        f.attrs["matrix"] = np.array([[1.5, 2.5], [3.5, 4.5]])
        f.attrs["prunable"] = np.array([b"actor/0/weight", b"value"], dtype="S14")
        f.attrs.create("names", ["hip", "ankle"], dtype=h5py.string_dtype())
        f.attrs["none"] = np.zeros(0, dtype="i8")
        f.attrs["pair"] = np.array((1, 2.0), dtype=[("a", "i4"), ("b", "f8")])
        add_padded_text(f, "space_padded", b"left   ", h5py.h5t.STR_SPACEPAD)
        add_padded_text(f, "null_padded", b"left\0\0\0", h5py.h5t.STR_NULLPAD)
        add_padded_text(f, "null_terminated", b"left\0xx", h5py.h5t.STR_NULLTERM)

        numbers = f.create_group("numbers")
        for kind in ("f4", "f8", "i1", "i4", "i8", "u1"):
            numbers[kind] = np.arange(6, dtype=kind).reshape(2, 3)
        numbers["big_endian"] = np.array([1.25, -2.5], dtype=">f8")
        numbers["truth"] = np.array([True, False])
        numbers["half"] = np.array([0.5], dtype="f2")
        numbers["large"] = np.array([2**40, 1])
        numbers["scalar"] = 2.5
        numbers["empty"] = np.zeros((0, 4), dtype="f4")
        numbers.create_dataset("deflated", data=np.arange(5000, dtype="f8"), chunks=(700,), compression="gzip")
        f["texts"] = np.array([b"one", b"three"], dtype="S5")
        f.create_dataset("variable_texts", data=["a", "longer"], dtype=h5py.string_dtype())
        f["pairs"] = np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")])
        f["dangling"] = h5py.ExternalLink("not-there.h5", "/")
        for index in (10, 2, 1):
            f.create_group(f"episodes/episode_{index:03d}").attrs["number"] = index


write(HERE / "h5py-old.h5", ("earliest", "v110"))
write(HERE / "h5py-new.h5", ("v110", "v110"))
