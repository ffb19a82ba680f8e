"""Other ways to a mask, as a user asks for them: criteria, distributions, baselines, whole units, and masks of other
chains; killed and resumed, trained again from single files, and what is refused."""

import json
import os
import pathlib
import signal
import time
import unittest

import h5py
import numpy
from sweep_harness import SweepTest

HERE = pathlib.Path(__file__).parent
KINDS = str(HERE / "every-kind-masks.toml")
AT_START = ("snip", "grasp", "synflow")


class Masks(SweepTest):
    def run_kinds(self, store="S", **options):
        self.expect(0, "run", KINDS, "--store", self.path(store), **options)

    def digest(self, store="S"):
        return json.loads(self.expect(0, "verify", self.path(store), "--json").stdout)["digest"]

    def chains(self, store="S"):
        """name -> [round -> {tensor: mask}], of the tensors that have a mask."""
        found = {}
        with h5py.File(self.path(store) + "/index.h5") as index:
            for name, chain in index["chains"].items():
                found[name] = []
                for number in sorted(chain):
                    masks = {}

                    def take(path, item, masks=masks):
                        if isinstance(item, h5py.Dataset):
                            masks[path] = item[:]
                    if "mask" in chain[number]:
                        chain[number]["mask"].visititems(take)
                    found[name].append(masks)
        return found

    def test_masks(self):
        self.run_kinds(ranks=2)
        chains = self.chains()
        for check in (self.check_counts, self.check_units, self.check_elsewhere):
            with self.subTest(check.__name__):
                check(chains)

    def check_counts(self, chains):
        weights = 4 * 16 + 16 * 12 + 12 * 2 + 4 * 16 + 16 * 12 + 12
        nested = 0
        for name, rounds in chains.items():
            self.assertEqual(rounds[0], {}, name)
            draws = any(word in name for word in ("random", "permuted-permuted", "ratio-weights", *AT_START))
            for before, after in zip(rounds[1:], rounds[2:]):
                for tensor, mask in before.items():
                    if not draws:
                        self.assertFalse((after[tensor] > mask).any(), (name, tensor))
                        nested += 1
        self.assertGreater(nested, 80)
        for name, rounds in chains.items():
            if ".criterion=" not in name or ".ppo." not in name:
                continue
            left = weights
            for masks in rounds[1:]:
                left -= round(0.4 * left)
                self.assertEqual(weights - sum((mask == 0).sum() for mask in masks.values()), left, name)
        one_shot = chains["cartpole.ppo.16-12.one-shot.mask-weights.s00"][1]
        self.assertEqual(sum(mask.sum() for mask in one_shot.values()), round(0.1 * weights))
        kept = chains["cartpole.ppo.16-12.schedule-kept-output.mask-weights.s00"][2]
        self.assertNotIn("actor/2/weight", kept)
        self.assertNotIn("critic/2/weight", kept)
        self.assertEqual(chains["cartpole.ppo.16-12.control.mask-weights.s00"][2], {})

    def check_units(self, chains):
        rounds = chains["cartpole.ppo.16-12.neurons.mask-weights.s00"]
        for number, masks in enumerate(rounds[1:], 1):
            for part in ("actor", "critic"):
                first, second, last = (masks[f"{part}/{layer}/weight"] for layer in range(3))
                for into, out, units in ((first, second, 16), (second, last, 12)):
                    left = into.any(axis=1)
                    self.assertEqual(left.sum(), int(units * 0.8 ** number + 0.5))
                    self.assertTrue((out.any(axis=0) == left).all())
                self.assertTrue((first == first.any(axis=1)[:, None]).all())
        name = "minatar-breakout.dqn.cnn6x3-16.unit={}.mask-weights.s00"
        filters = chains[name.format("filter")][2]["q/0/weight"]
        self.assertEqual(filters.any(axis=(1, 2, 3)).sum(), int(6 * 0.64 + 0.5))
        channels = chains[name.format("input")][2]["q/0/weight"]
        self.assertEqual(channels.any(axis=(0, 2, 3)).sum(), int(4 * 0.64 + 0.5))
        neurons = chains[name.format("neuron")][2]
        self.assertNotIn("q/0/weight", neurons)
        self.assertEqual(neurons["q/1/weight"].any(axis=1).sum(), int(16 * 0.64 + 0.5))

    def check_elsewhere(self, chains):
        for algorithm in ("bc", "ppo"):
            for seed in (0, 1):
                for variant, source in (("of-ppo", chains[f"cartpole.ppo.16-12.source.mask-weights.s0{seed}"][2]),
                                        ("of-cloning-seed-1", chains["cartpole.bc.16-12.source.mask-weights.s01"][1])):
                    for baseline in ("mask-weights", "mask-permuted"):
                        found = chains[f"cartpole.{algorithm}.16-12.{variant}.{baseline}.s0{seed}"]
                        self.assertEqual(len(found), 2)
                        self.assertEqual(set(found[1]), set(source))
                        for tensor, mask in source.items():
                            numpy.testing.assert_array_equal(found[1][tensor], mask)
                    drawn = chains[f"cartpole.{algorithm}.16-12.{variant}.random-re-init.s0{seed}"][1]
                    self.assertEqual(sum(mask.sum() for mask in drawn.values()),
                                     sum(mask.sum() for mask in source.values()))
        with h5py.File(self.path("S") + "/index.h5") as index:
            reader = index["chains/cartpole.bc.16-12.of-ppo.mask-weights.s00/r01"].attrs["recipe"]
            source = index["chains/cartpole.ppo.16-12.source.mask-weights.s00/r02"].attrs["digest"]
            self.assertIn(f'mask_from = "{source.decode()}"', reader.decode())
            rows = {(row["chain"], row["round"]): row for row in index["rounds"][:]}
            self.assertEqual(rows[b"cartpole.bc.16-12.of-ppo.mask-weights.s00", 1]["density"], 0.25)

    def test_interrupted_and_alone(self):
        self.run_kinds("whole", ranks=2)
        process = self.start("run", KINDS, "--store", self.path("S"), ranks=2)
        for _ in range(4):
            time.sleep(1.0)
            self.kill_group(process)
            process.wait()
            process = self.start("run", KINDS, "--store", self.path("S"), ranks=2)
        self.kill_group(process, signal.SIGTERM)
        process.wait()
        self.run_kinds("S")
        self.assertEqual(self.digest("S"), self.digest("whole"))
        self.expect(0, "verify", self.path("S"), "--against", self.path("whole"))
        again = 0
        for path in sorted((self.directory / "S" / "rounds").glob("*/*.h5"))[::6]:
            self.assertIn("equal", self.expect(0, "rerun", str(path)).stdout)
            again += 1
        self.assertGreater(again, 20)
        self.check_compact()
        self.assertIn("needs cartpole.ppo.16-12.source.mask-weights.s01 r02",
                      self.expect(0, "explain", self.path("S"), "cartpole.bc.16-12.of-ppo.mask-weights.s01").stdout)
        self.expect(0, "pack", self.path("S"), self.path("all.h5"))
        self.expect(0, "pack", self.path("S"), self.path("some.h5"), "--summary")
        rows = [self.expect(0, "export", self.path(store), "layers", "--with", "imp.criterion").stdout
                for store in ("S", "all.h5", "some.h5")]
        self.assertEqual(rows[0], rows[1])
        self.assertEqual(rows[0], rows[2])

    def check_compact(self):
        """Smaller dense networks act as the pruned ones do: MLPs by numpy."""
        for chain, number, most in (("cartpole.ppo.16-12.neurons.mask-weights.s00", 2, 16 * 0.64 + 0.5),
                                    ("cartpole.ppo.16-12.criterion=lamp+distribution=global.mask-weights.s00", 2, 16)):
            self.expect(0, "export", self.path("S"), "ticket", "--chain", chain, "--round", str(number), "--output",
                        self.path("ticket.h5"), "--compact")
            with h5py.File(self.path("ticket.h5")) as ticket:
                left = ticket["inputs/observation"][:].astype(bool)
                self.assertEqual(left.shape, (4,))
                observations = numpy.random.default_rng(1).normal(size=(50, 4))
                answers = []
                for group, values in (("best", observations), ("compact", observations[:, left])):
                    for layer in range(3):
                        values = values @ ticket[f"{group}/actor.{layer}.weight"][:].astype(float).T
                        values += ticket[f"{group}/actor.{layer}.bias"][:]
                        if layer < 2:
                            values = numpy.maximum(values, 0)
                    answers.append(values)
                numpy.testing.assert_allclose(answers[0], answers[1], atol=1e-5)
                self.assertLessEqual(ticket["compact/actor.0.weight"].shape[0], int(most))
                self.assertGreater(abs(answers[0]).max(), 0)

    def refuse(self, sweep, *words):
        job = self.write("bad.toml", "[[sweep]]\n" + 'tasks = ["cartpole"]\nalgorithms = ["ppo"]\nseeds = 2\n' + sweep)
        for command in (["plan", job], ["run", job, "--store", self.path("none")]):
            message = self.expect(2, *command).stderr
            for word in ("bad.toml", *words):
                self.assertIn(word, message)
        self.assertFalse(os.path.exists(self.path("none")))

    def test_what_is_refused(self):
        self.refuse('imp.criterion = "lmap"\n', "lamp", ":5")
        self.refuse('imp.distribution = "erk"\nimp.prune_bias = true\n', "imp.distribution", "imp.prune_bias = false")
        self.refuse('imp.criterion = "lamp"\nimp.prune_rule = "quantile"\n', "imp.prune_rule", '"exact"')
        self.refuse("imp.densities = [0.5, 0.6]\n", "imp.densities", "sort")
        self.refuse("imp.densities = [0.5, 0.0]\n", "imp.densities", ":5")
        self.refuse("imp.densities = [0.5]\nrounds = 4\n", "imp.densities", "rounds")
        self.refuse("imp.keep_layers = [3]\n", "imp.keep_layers", "0 to 2")
        self.refuse("imp.keep_layers = [0, 1]\nrounds = 20\n", "round 19", "lower 'rounds'")
        self.refuse('imp.distribution = "uniform"\nimp.densities = [0.0001]\n', "round 1", "one in each layer")
        self.refuse('imp.unit = "filter"\nbaselines = ["mask/weights"]\n', "imp.unit", "network.architecture")
        self.refuse('imp.unit = "neuron"\nimp.criterion = "lamp"\n', "imp.unit", '"magnitude"')
        self.refuse('imp.unit = "neuron"\nimp.distribution = "erk"\n', "imp.unit", '"global"')
        self.refuse('imp.unit = "neuron"\nrounds = 3\n', "permuted/permuted", "imp.mask_source")
        self.refuse('imp.mask_from = "cartpole.ppo.128-128.defalt.mask-weights:3"\n', "imp.mask_from", "default.mask-weights")
        self.refuse('imp.mask_from = "mask"\n', "CHAIN:ROUND")
        self.refuse('imp.mask_from = "cartpole.ppo.128-128.default.mask-weights:1"\n', "circle")
        source = '[[sweep.variant]]\nname = "source"\nrounds = 3\n\n[[sweep.variant]]\nname = "reader"\n'
        chain = "cartpole.ppo.128-128.source.mask-weights"
        self.refuse(f'{source}imp.mask_from = "{chain}:3"\n', "no round 3", "rounds")
        self.refuse(f'{source}imp.mask_from = "{chain}.s07:2"\n', "seed 7")
        self.refuse(f'{source}imp.mask_from = "{chain}:2"\nrounds = 5\n', "rounds = 2")
        self.refuse(f'{source}imp.mask_from = "{chain}:2"\nimp.densities = [0.5]\n', "imp.densities")
        for key in ('imp.keep_layers = [0]', 'imp.distribution = "er"', 'imp.criterion = "lamp"'):
            self.refuse(f'{source}imp.mask_from = "{chain}:2"\n{key}\n', key.split(" = ")[0], "no effect")
        for key in ("imp.prune_bias = true", 'imp.scope = "actor_critic"'):
            self.refuse(f'{source}imp.mask_from = "{chain}:2"\n{key}\n', "imp.mask_from")
        self.refuse("network.hidden = []\nimp.keep_layers = [0]\n", "imp.keep_layers", "every layer")
        self.refuse(f'{source}imp.mask_from = "{chain}:2"\nnetwork.hidden = [128, 64]\n', "actor/1/weight", "shape")


if __name__ == "__main__":
    unittest.main()
