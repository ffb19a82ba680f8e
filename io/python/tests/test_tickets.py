"""Tickets act as impsweep does, and hold what the program exports."""

import pathlib
import unittest

import h5py
import numpy as np

import impsweep
from stores import GOLDEN, call, fresh_pack, fresh_store, fresh_summary, needs, needs_program, scratch


def rounds_of(store):
    return [(name, number) for name, chain in store.chains.items() for number in (0, chain.rounds - 1)]


@needs_program
class Tickets(unittest.TestCase):
    def test_arrays_are_those_of_the_program(self):
        for path in (fresh_store(), fresh_pack()):
            store = impsweep.Store(path)
            for chain, number in rounds_of(store):
                with self.subTest(chain=chain, round=number):
                    ticket = store.ticket(chain, number)
                    call("export", path, "ticket", "--chain", chain, "--round", number, "--output", scratch() / "t.h5")
                    with h5py.File(scratch() / "t.h5") as theirs:
                        self.assertEqual(sorted(theirs["best"]), sorted(name.replace("/", ".") for name in ticket.best))
                        for name in ticket.best:
                            dotted = name.replace("/", ".")
                            np.testing.assert_array_equal(ticket.masks[name], theirs["mask"][dotted][:].astype(bool))
                            np.testing.assert_array_equal(ticket.best[name], theirs["best"][dotted][:])
                            np.testing.assert_array_equal(ticket.initial[name], theirs["initial"][dotted][:])
                            self.assertTrue((ticket.best[name][~ticket.masks[name]] == 0).all())

    def test_counts_agree_with_the_tables(self):
        store = impsweep.Store(fresh_store())
        rounds = store.table("rounds")
        for row, chain in enumerate(rounds["chain"]):
            if chain in store.chains:
                ticket = store.ticket(chain, int(rounds["round"][row]))
                self.assertEqual(ticket.effective_inputs.sum(), rounds["effective_inputs"][row])
                self.assertEqual((ticket.kept_per_input > 0).sum(), rounds["inputs_left"][row])
                self.assertEqual(ticket.density, rounds["density"][row])
                self.assertEqual(len(ticket.inputs), len(ticket.effective_inputs))

    def test_what_is_not_there(self):
        store = impsweep.Store(fresh_store())
        chain = next(iter(store.chains))
        with self.assertRaisesRegex(impsweep.StoreError, "has no chain 'none'"):
            store.ticket("none", 0)
        with self.assertRaisesRegex(impsweep.StoreError, "round 99 of .* is not finished"):
            store.ticket(chain, 99)
        with self.assertRaisesRegex(impsweep.StoreError, "is a summary without weights"):
            impsweep.Store(fresh_summary()).ticket(chain, 0)
        self.assertFalse(impsweep.Store(fresh_summary()).has_weights)
        self.assertTrue(impsweep.Store(fresh_pack()).has_weights)

    def test_steps_of_a_policy(self):
        store = impsweep.Store(fresh_store())
        steps = store.trajectory("cartpole.ppo.16-12.default.mask-weights.s00", 1, episodes=3)
        self.assertEqual(steps.ends.sum(), 3)
        self.assertEqual(sorted(set(steps.episode)), [0, 1, 2])
        self.assertTrue((np.diff(steps.episode) >= 0).all())
        self.assertEqual(steps.returns().sum(), len(steps))  # a point for each step
        self.assertEqual(steps.observation.shape, (len(steps), 4))


@needs_program
@needs("torch")
class Modules(unittest.TestCase):
    def test_every_policy_acts_as_the_program_does(self):
        for path, chains in ((fresh_store(), None), (GOLDEN[0], None)):
            store = impsweep.Store(path)
            import torch
            for chain, number in rounds_of(store):
                with self.subTest(chain=chain, round=number):
                    steps = store.trajectory(chain, number, episodes=5, max_episode_steps=100)
                    module = store.ticket(chain, number).module()
                    seen = torch.from_numpy(steps.observation)
                    with torch.no_grad():
                        ours = module(seen).numpy()
                    np.testing.assert_allclose(ours, steps.outputs, atol=1e-5, rtol=1e-5)
                    acts = module.act(seen).numpy()
                    if steps.action.ndim == 2:
                        np.testing.assert_allclose(acts, steps.action, atol=1e-5, rtol=1e-5)
                    else:
                        # Where two outputs are equal but for rounding, either may be called the largest.
                        ordered = np.sort(steps.outputs, axis=1)
                        clear = ordered[:, -1] - ordered[:, -2] > 1e-5
                        np.testing.assert_array_equal(acts[clear], steps.action[clear])
                        self.assertTrue(clear.any() or number > 0)

    def test_masks_hold_under_training(self):
        import torch
        store = impsweep.Store(fresh_store())
        ticket = store.ticket("cartpole.ppo.16-12.default.mask-weights.s00", 2)
        module = ticket.module()
        torch.optim.SGD(module.parameters(), lr=1.0).zero_grad()
        for parameter in module.parameters():
            parameter.data += 1
        module.apply_masks()
        weight = module.layers["actor_0"].weight.detach().numpy()
        self.assertTrue((weight[~ticket.masks["actor/0/weight"]] == 0).all())
        self.assertTrue((weight[ticket.masks["actor/0/weight"]] != 0).all())
        self.assertEqual(module.value(torch.zeros(3, 4)).shape, (3,))

    @needs("onnxruntime", "onnx")
    def test_onnx_computes_the_same(self):
        import onnxruntime
        store = impsweep.Store(fresh_store())
        for chain in ("cartpole.ppo.16-12.default.mask-weights.s00", "hopper.ppo.12-8.default.mask-weights.s00",
                      "minatar-freeway.dqn.12.default.mask-weights.s00"):
            with self.subTest(chain):
                steps = store.trajectory(chain, 1, episodes=2, max_episode_steps=50)
                file = store.ticket(chain, 1).to_onnx(pathlib.Path(scratch()) / "policy.onnx")
                session = onnxruntime.InferenceSession(str(file))
                outputs = session.run(["outputs"], {"observation": steps.observation})[0]
                np.testing.assert_allclose(outputs, steps.outputs, atol=1e-5, rtol=1e-5)


if __name__ == "__main__":
    unittest.main()
