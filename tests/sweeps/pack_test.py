"""Packs, with weights and without: every reading command answers as of the store, and tables are equal to the byte."""

import json
import os
import pathlib
import re
import shutil
import unittest

import h5py
from sweep_harness import SweepTest

CONTINUOUS = """
[[sweep]]
tasks      = ["hopper", "minatar-freeway"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 2
imp.prune_fraction = 0.8
network.hidden = [12]
rl.steps = 2048
rl.batch_B = 4
rl.batch_T = 64
ppo.minibatches = 4
eval.interval = 1024
eval.episodes = 2
eval.max_episode_steps = 50
eval.reevaluation_episodes = 2
"""
CHAIN = "cartpole.ppo.32-32.default.mask-weights.s00"
GOLDEN = pathlib.Path(os.environ["IMPSWEEP_TEST_DATA"]) / "stores" / "0.1.0" / "store"


class Packs(SweepTest):
    def setUp(self):
        super().setUp()
        self.expect(0, "run", self.job, self.write("more.toml", CONTINUOUS), "--store", self.path("S"))
        self.expect(0, "pack", self.path("S"), self.path("whole.h5"))
        self.said = self.expect(0, "pack", self.path("S"), self.path("summary.h5"), "--summary").stdout

    def output(self, *arguments):
        return self.expect(0, *arguments).stdout

    def test_every_reader_answers_as_of_the_store(self):
        shutil.copytree(GOLDEN, self.path("G"))
        for store, chain in (("S", CHAIN), ("G", "cartpole.ppo.4.default.mask-weights.s00")):
            self.expect(0, "pack", self.path(store), self.path(store + "-whole.h5"))
            self.expect(0, "pack", self.path(store), self.path(store + "-summary.h5"), "--summary")
            self.expect(0, "pack", self.path(store + "-whole.h5"), self.path(store + "-again.h5"), "--summary")
            self.assertEqual(pathlib.Path(self.path(store + "-again.h5")).read_bytes(),
                             pathlib.Path(self.path(store + "-summary.h5")).read_bytes())
            for pack in (store + "-whole.h5", store + "-summary.h5"):
                for table in ("rounds", "curves", "layers", "inputs"):
                    with self.subTest(pack, table=table):
                        options = ("--with", "ppo.learning_rate")
                        self.assertEqual(self.output("export", self.path(pack), table, *options),
                                         self.output("export", self.path(store), table, *options))
                for command in (["status", pack, "--returns"], ["explain", pack, chain]):
                    ours = self.output(command[0], self.path(pack), *command[2:])
                    theirs = self.output(command[0], self.path(store), *command[2:])
                    # Only a store knows of its runs.
                    theirs = re.sub(r"the last run took .*\n", "", theirs).replace(self.path(store), self.path(pack))
                    self.assertEqual(ours, theirs)
                self.assertEqual(json.loads(self.output("status", self.path(pack), "--json", "--exit-code"))["trainings"],
                                 json.loads(self.output("status", self.path(store), "--json"))["trainings"])

    def test_reports_are_equal(self):
        pages = []
        for name in ("S", "whole.h5", "summary.h5"):
            self.expect(0, "report", self.path(name), "--output", self.path("out-" + name))
            page = (self.directory / ("out-" + name) / "index.html").read_text()
            pages.append(page.replace(self.path(name), "STORE"))
        self.assertEqual(pages[0], pages[1])
        self.assertEqual(pages[0], pages[2])

    def test_whole_packs_have_everything(self):
        whole, store = self.path("whole.h5"), self.path("S")
        self.assertEqual(json.loads(self.output("verify", whole, "--json"))["digest"],
                         json.loads(self.output("verify", store, "--json"))["digest"])
        self.expect(0, "verify", store, "--against", whole, "--rerun", "0.1")
        for command in (["evaluate", "STORE", CHAIN, "2", "--episodes", "3", "--json"],):
            self.assertEqual(self.output(*(whole if word == "STORE" else word for word in command)),
                             self.output(*(store if word == "STORE" else word for word in command)))
        for place, name in ((whole, "a.h5"), (store, "b.h5")):
            self.expect(0, "export", place, "ticket", "--chain", CHAIN, "--round", "2", "--output", self.path(name))
        self.assertEqual((self.directory / "a.h5").read_bytes(), (self.directory / "b.h5").read_bytes())
        self.expect(0, "merge", self.path("M"), whole)
        self.expect(0, "verify", self.path("M"), "--against", store)

    def test_what_needs_weights_says_so(self):
        summary = self.path("summary.h5")
        for arguments in (["evaluate", summary, CHAIN, "1"], ["verify", summary], ["merge", self.path("M"), summary],
                          ["pack", summary, self.path("x.h5")], ["verify", self.path("S"), "--against", summary],
                          ["export", summary, "ticket", "--chain", CHAIN, "--round", "1", "--output", self.path("t.h5")]):
            result = self.call(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("is a summary without weights", result.stderr)
        self.assertFalse((self.directory / "M").exists())

    def test_nothing_is_written_into_a_pack(self):
        before = (self.directory / "whole.h5").read_bytes()
        for arguments in (["run", self.job, "--store", self.path("whole.h5")], ["merge", self.path("whole.h5"), self.path("S")]):
            self.assertEqual(self.call(*arguments).returncode, 2, arguments)
        self.assertEqual((self.directory / "whole.h5").read_bytes(), before)

    def test_size(self):
        size = (self.directory / "summary.h5").stat().st_size
        trainings = int(re.search(r": (\d+) of", self.said)[1])
        self.assertEqual(int(re.search(r"(\d+) bytes each", self.said)[1]), round(size / trainings))
        with h5py.File(self.path("summary.h5")) as pack:
            names = []
            pack.visit(names.append)
            self.assertEqual(pack["records"].attrs["count"], trainings)
            places = list(pack["records"].attrs["places"].astype(str))
            self.assertFalse([place for place in places if place.startswith(("mask", "weights", "initial", "snapshots"))])
            self.assertLess(sum(pack[name].id.get_storage_size() for name in names if isinstance(pack[name], h5py.Dataset)),
                            1300 * trainings)

    def test_damage_is_found_first(self):
        for name in ("whole.h5", "summary.h5"):
            path = self.directory / name
            whole = path.read_bytes()
            for content, words in ((whole[:-7], "bytes of payload where"), (whole[:100], "is truncated in its user block"),
                                   (whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:], "its checksum does not match"),
                                   (b"hello", "is a file and no pack")):
                path.write_bytes(content)
                result = self.call("status", str(path))
                self.assertEqual(result.returncode, 2)
                self.assertIn(words, result.stderr)
            path.write_bytes(whole)

    def test_packs_of_the_first_version_are_read(self):
        with h5py.File(self.path("old.h5"), "w") as old, h5py.File(self.path("whole.h5")) as whole:
            self.assertEqual((old.userblock_size, whole.userblock_size), (0, 512))
            for name in whole:
                whole.copy(name, old)
        self.assertEqual(self.output("export", self.path("old.h5"), "rounds"), self.output("export", self.path("S"), "rounds"))


if __name__ == "__main__":
    unittest.main()
