"""Tables are those of `impsweep export`: the same columns, rows and values, to the last bit."""

import json
import tomllib
import unittest

import numpy as np

import impsweep
from impsweep.tasks import tasks
from stores import GOLDEN, call, exported, fresh_pack, fresh_store, fresh_summary, needs, needs_program

TABLES = ("rounds", "curves", "layers", "inputs")


def stores():
    return [*GOLDEN, fresh_store(), fresh_pack(), fresh_summary()]


def same(ours, theirs):
    """A value of a column against its text in the program's csv, which reads back to the same bits."""
    if isinstance(ours, str):
        return ours == theirs
    number = float(theirs)
    return ours == number or (np.isnan(ours) and np.isnan(number))


@needs_program
class Tables(unittest.TestCase):
    def test_rows_and_values_are_those_of_the_program(self):
        for path in stores():
            store = impsweep.Store(path)
            for name in TABLES:
                with self.subTest(store=str(path), table=name):
                    rows, table = exported(path, name), store.table(name)
                    self.assertGreater(len(rows), 3)
                    self.assertEqual(list(table), list(rows[0]))
                    self.assertEqual({len(column) for column in table.values()}, {len(rows)})
                    key = [column for column in ("chain", "round", "step", "input", "tensor", "digest") if column in table]
                    ours = sorted(zip(*(table[column].tolist() for column in table)),
                                  key=lambda row: [str(value) for column, value in zip(table, row) if column in key])
                    for mine, row in zip(ours, sorted(rows, key=lambda row: [row[column] for column in key])):
                        for value, (column, text) in zip(mine, row.items()):
                            self.assertTrue(same(value, text), (column, value, text))

    def test_settings_are_those_of_the_program(self):
        for path in stores():
            with self.subTest(store=str(path)):
                table = impsweep.Store(path).table("settings")
                keys = [key for key in table if "." in key or key == "master_seed"]
                self.assertGreater(len(keys), 50)
                rows = exported(path, "rounds", *(word for key in keys for word in ("--with", key)))
                of_chain = {row["chain"]: row for row in rows}
                for index, chain in enumerate(table["chain"]):
                    for key in keys:
                        value, text = table[key][index], of_chain[chain][key]
                        if text == "":
                            self.assertTrue(np.isnan(value))
                            continue
                        if path in GOLDEN and isinstance(value, float) and np.isnan(value):
                            continue  # a key that is younger than the job
                        known = tomllib.loads(f"x = {text}")["x"]
                        self.assertEqual(value, tuple(known) if isinstance(known, list) else known, (chain, key))

    def test_tasks_are_those_of_the_program(self):
        listed = json.loads(call("tasks", "--json"))["tasks"]
        self.assertEqual(list(tasks()), [entry["name"] for entry in listed])
        for entry in listed:
            for field, value in vars(tasks()[entry["name"]]).items():
                self.assertEqual(value, tuple(entry[field]) if isinstance(value, tuple) else entry[field])

    def test_rounds_stand_in_order(self):
        rounds = impsweep.Store(fresh_store()).table("rounds")
        names = list(rounds["chain"])
        self.assertEqual(len(set(names)), sum(a != b for a, b in zip(names, [None, *names])))  # each in one piece
        self.assertTrue(all(b > a or c != d for a, b, c, d in zip(rounds["round"], rounds["round"][1:], names, names[1:])))
        self.assertTrue(names[-1].startswith("expert-"))

    def test_unknown_tables_are_refused(self):
        with self.assertRaisesRegex(impsweep.StoreError, "'weights' is no table; there are rounds"):
            impsweep.Store(GOLDEN[0]).table("weights")

    @needs("pandas")
    def test_frames_hold_strings(self):
        store = impsweep.Store(fresh_store())
        for name in (*TABLES, "settings"):
            frame = getattr(store, name)()
            self.assertTrue(all(isinstance(chain, str) for chain in frame["chain"]))
            self.assertEqual(list(frame.columns), list(store.table(name)))
        means = store.rounds().query("algorithm == 'ppo' and task == 'cartpole' and variant == 'default'").groupby("baseline").best_return.mean()
        self.assertEqual(sorted(means.index), ["mask/permuted", "mask/weights", "permuted/permuted", "random/re-init"])


if __name__ == "__main__":
    unittest.main()
