"""What a disk or a stranger did to a file is an error that names it, never a crash, and nothing outside is read."""

import os
import pathlib
import random
import shutil
import tempfile
import unittest
import warnings

import h5py
import numpy as np

import impsweep
from impsweep.errors import optional
from impsweep.files import USER_BLOCK, _user_block, read_record
from impsweep.xxh3 import xxh3_128_hex
from stores import GOLDEN


class Copy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="impsweep-reader-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "store"
        shutil.copytree(GOLDEN[0], self.path)
        digests = dict.fromkeys(digest for digest, chain in zip(*(impsweep.Store(self.path).table("rounds")[name] for name
                                in ("digest", "chain"))) if not chain.startswith("expert-"))  # the tables leave it out
        self.results = [self.path / "rounds" / digest[:2] / f"{digest}.h5" for digest in digests]
        for file in self.results:
            file.chmod(0o644)

    def without_program(self):
        known = os.environ.pop("IMPSWEEP_PROGRAM", None)
        path, os.environ["PATH"] = os.environ["PATH"], ""
        self.addCleanup(lambda: os.environ.update({"PATH": path, **({"IMPSWEEP_PROGRAM": known} if known else {})}))


def forge(file, change):
    """Changes a result and gives it the right user block, as somebody with bad intentions would."""
    content = file.read_bytes()
    payload = pathlib.Path(f"{file}.payload")
    payload.write_bytes(content[USER_BLOCK:])
    with h5py.File(payload, "r+") as inside:
        change(inside)
    changed = payload.read_bytes()
    payload.unlink()
    file.write_bytes(_user_block(memoryview(changed)) + changed)


class Checksums(unittest.TestCase):
    def test_known_sums(self):
        # Of bytes (7 i + 3) mod 251, by the library xxHash 0.8.
        known = {241: "07870750a974395682b1de299f6e411e", 1024: "f96a1bbdb2fef572f75e768c7cdd54b2", 1025: "2b5651dd466531ba667a5eabe344e5df", 5000: "2cd84822f38d18458e5898f51713d386", 5000000: "f8b4edba913101d51c423ddcef694b1c"}
        for length, digits in known.items():
            data = ((np.arange(length) * 7 + 3) % 251).astype(np.uint8).tobytes()
            self.assertEqual(xxh3_128_hex(data), digits, length)

    def test_every_result_proves_itself(self):
        for file in GOLDEN[0].glob("rounds/*/*.h5"):
            self.assertEqual(read_record(file).attributes("")["digest"], file.stem)


class Damage(Copy):
    def expect(self, error, words, table="curves"):
        with self.assertRaisesRegex(error, words), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            impsweep.Store(self.path).table(table)

    def test_altered_bytes(self):
        content = bytearray(self.results[0].read_bytes())
        content[len(content) // 2] ^= 1
        self.results[0].write_bytes(content)
        self.expect(impsweep.DamagedFile, rf"{self.results[0].name}.* altered .*run again")

    def test_cut_at_many_places(self):
        content = self.results[0].read_bytes()
        draw = random.Random(1)
        for length in [0, 1, 30, 511, 512, 700, len(content) - 1] + [draw.randrange(len(content)) for _ in range(30)]:
            self.results[0].write_bytes(content[:length])
            with self.assertRaises(impsweep.DamagedFile):
                read_record(self.results[0])

    def test_zeros_and_strangers(self):
        for content in (bytes(4096), b"hello" * 200, b"\x89HDF\r\n\x1a\n" + bytes(4096)):
            self.results[0].write_bytes(content)
            self.expect(impsweep.DamagedFile, "does not begin like an impsweep record")

    def test_a_newer_format(self):
        content = self.results[0].read_bytes()
        self.results[0].write_bytes(content.replace(b"format 1", b"format 9", 1))
        self.expect(impsweep.StoreError, "is of format 9, this reader knows format 1")

    def test_another_result_under_a_name(self):
        shutil.copyfile(self.results[1], self.results[0])
        self.expect(impsweep.DamagedFile, "holds another result than its name says")

    def test_links_are_not_followed(self):
        def outward(inside):
            del inside["curve/mean"]
            inside["curve/mean"] = h5py.ExternalLink("/etc/passwd", "/")
        forge(self.results[0], outward)
        self.expect(impsweep.DamagedFile, "has no array 'curve/mean'")

    def test_external_storage_is_not_read(self):
        def outward(inside):
            del inside["curve/mean"]
            inside.create_dataset("curve/mean", (3,), "f8", external=[("/etc/hostname", 0, 24)])
        forge(self.results[0], outward)
        self.expect(impsweep.DamagedFile, "'curve/mean' lies in another file")

    def test_claims_beyond_the_file(self):
        def vast(inside):
            del inside["curve/mean"]
            inside.create_dataset("curve/mean", (1 << 40,), "f8", chunks=(1024,))
        forge(self.results[0], vast)
        self.expect(impsweep.DamagedFile, "'curve/mean' claims more elements than the file can hold")

    def test_other_types_and_shapes(self):
        def texts(inside):
            del inside["curve/mean"]
            inside["curve/mean"] = np.array([b"a", b"b", b"c"])
        forge(self.results[0], texts)
        self.expect(impsweep.DamagedFile, "another kind than expected")

        def short(inside):
            del inside["curve/mean"]
            inside["curve/mean"] = np.zeros(2)
        forge(self.results[0], short)
        self.expect(impsweep.DamagedFile, "do not fit together")

    def test_result_files_that_are_links(self):
        target = self.path.parent / "elsewhere.h5"
        self.results[0].rename(target)
        self.results[0].symlink_to(target)
        self.expect(impsweep.StoreError, "cannot be read")

    def test_random_bytes_never_crash(self):
        draw = random.Random(2)
        content = self.results[0].read_bytes()
        for _ in range(60):
            payload = bytearray(content[USER_BLOCK:])
            for _ in range(draw.randrange(1, 20)):
                payload[draw.randrange(8, len(payload))] = draw.randrange(256)
            self.results[0].write_bytes(_user_block(memoryview(payload)) + payload)
            for table in ("curves", "layers", "inputs"):
                try:
                    impsweep.Store(self.path).table(table)
                except impsweep.StoreError:
                    pass

    def test_no_store(self):
        (self.path / "store.toml").unlink()
        self.expect(impsweep.StoreError, "is no store")
        with self.assertRaisesRegex(impsweep.StoreError, "does not exist"):
            impsweep.Store(self.path / "none")
        with self.assertRaisesRegex(impsweep.StoreError, "is no HDF5 file|neither a store nor a pack"):
            impsweep.Store(__file__)

    def test_a_later_schema(self):
        file = self.path / "store.toml"
        file.chmod(0o644)
        file.write_text(file.read_text().replace("schema = 1", "schema = 2"))
        self.expect(impsweep.StoreError, "has schema 2")

    def test_a_lost_index(self):
        self.without_program()
        (self.path / "index.h5").unlink()
        self.expect(impsweep.StoreError, "run the job again", "rounds")

    def test_an_index_that_is_behind(self):
        self.without_program()
        with h5py.File(self.path / "index.h5", "r+") as index:
            rows = index["rounds"][:]
            del index["rounds"]
            index["rounds"] = rows[:-1]
        with self.assertWarnsRegex(UserWarning, "does not list 1 results"):
            table = impsweep.Store(self.path).table("rounds")
        self.assertEqual(len(table["chain"]), len(rows) - 1)


class Packages(unittest.TestCase):
    def test_a_missing_package_says_what_to_install(self):
        with self.assertRaisesRegex(ImportError, "plots needs no_such_module; pip install no-such-package"):
            optional("no_such_module", "no-such-package", "plots")


if __name__ == "__main__":
    unittest.main()
