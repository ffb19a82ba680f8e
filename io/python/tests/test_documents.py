"""Every snippet of docs/python.md runs, on a small store of the quickstart's names; and the notebook."""

import os
import pathlib
import re
import subprocess
import sys
import unittest

from stores import EVERYTHING, call, needs, needs_program, scratch

ROOT = pathlib.Path(__file__).resolve().parents[3]
QUICKSTART = ROOT / "jobs" / "quickstart.toml"


@needs_program
class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = scratch() / "documents"
        if not cls.folder.exists():
            (cls.folder / "stores").mkdir(parents=True)
            call("run", QUICKSTART, "--store", cls.folder / "stores" / "quickstart", "--set", "rl.steps=2048", "--set",
                 "eval.interval=1024", "--set", "eval.episodes=3", "--set", "eval.reevaluation_episodes=5")

    @needs("pandas", "torch", "onnx", "PIL", "rliable", "tensorboardX", "wandb")
    def test_snippets(self):
        snippets = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text(), re.DOTALL)
        self.assertGreaterEqual(len(snippets), 6)
        program = "\n".join(snippets)
        result = subprocess.run([sys.executable, "-c", program], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stderr)
        for file in ("policy.onnx", "episode.gif", "logs", "wandb"):
            self.assertTrue((self.folder / file).exists(), file)

    @unittest.skipUnless(EVERYTHING, "the notebook is one of the long tests")
    @needs("jupytext", "nbconvert", "matplotlib", "rliable")
    def test_notebook(self):
        source = ROOT / "io" / "python" / "notebooks" / "figure_2.py"
        folder = pathlib.Path(os.environ.get("IMPSWEEP_KEEP", self.folder))
        notebook = folder / "figure_2.ipynb"
        for command in (["jupytext", "--to", "ipynb", "--output", str(notebook), str(source)],
                        ["nbconvert", "--execute", "--to", "html", str(notebook)]):
            result = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True,
                                    env={**os.environ, "IMPSWEEP_STORE": str(self.folder / "stores" / "quickstart")})
            self.assertEqual(result.returncode, 0, result.stderr[-4000:])
        page = notebook.with_suffix(".html").read_text()
        self.assertEqual(page.count("<img"), 2)  # figure 2 and the plot of rliable
        self.assertNotIn("Traceback", page)


if __name__ == "__main__":
    unittest.main()
