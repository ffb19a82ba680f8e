#!/usr/bin/env python3
"""The package of io/python as users get it: built as a wheel, installed in an empty environment with everything that it
can use, and tested there, with mypy on its sources. Needs an index of packages; skipped where pip reaches none.

    IMPSWEEP_PROGRAM=build/impsweep tests/python_wheel_test.py
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
# pandas: rliable's own dependencies do not know version 3 yet.
PACKAGES = ["pandas<3", "pybullet", "torch", "onnx", "onnxruntime", "tensorboardX", "tensorboard", "wandb", "pillow",
            "imageio", "imageio-ffmpeg", "rliable", "gymnasium", "matplotlib", "jupytext", "nbconvert", "ipykernel", "pytest", "mypy"]


class Wheel(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="impsweep-wheel-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        venv.create(self.folder / "venv", with_pip=True)
        self.python = self.folder / "venv" / "bin" / "python"

    def call(self, *arguments, **options):
        return subprocess.run([str(self.python), *map(str, arguments)], capture_output=True, text=True, **options)

    def expect(self, *arguments, **options):
        result = self.call(*arguments, **options)
        self.assertEqual(result.returncode, 0, f"{arguments}\n{result.stdout[-8000:]}\n{result.stderr[-8000:]}")
        return result.stdout

    def test_the_wheel_in_a_clean_environment(self):
        sources = self.folder / "sources"  # so that nothing is built in the tree
        shutil.copytree(ROOT / "io" / "python", sources, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        built = self.call("-m", "pip", "wheel", "--no-deps", "--wheel-dir", self.folder, sources)
        if built.returncode != 0 and "No matching distribution" in built.stderr + built.stdout:
            self.skipTest("pip reaches no index of packages")
        self.assertEqual(built.returncode, 0, built.stderr)
        wheel = next(self.folder.glob("impsweep-*.whl"))
        self.expect("-m", "pip", "install", "--quiet", wheel)
        environment = {**os.environ, "IMPSWEEP_PROGRAM": str(pathlib.Path(os.environ["IMPSWEEP_PROGRAM"]).resolve())}
        environment.pop("PYTHONPATH", None)
        tests = [ROOT / "io" / "python" / "tests" / name for name in ("test_tables.py", "test_files.py")]
        self.expect("-m", "pip", "install", "--quiet", "pytest")
        core = self.expect("-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, env=environment)
        print(core[-400:])
        self.expect("-m", "pip", "install", "--quiet", *PACKAGES)
        self.expect("-m", "mypy", "--strict", "--config-file", sources / "pyproject.toml", sources / "src")
        whole = self.expect("-m", "pytest", "-q", "-p", "no:cacheprovider", ROOT / "io" / "python" / "tests",
                            env={**environment, "IMPSWEEP_EVERY_PACKAGE": "1"})
        print(whole[-400:])
        self.assertNotIn("skipped", whole)
        where = self.expect("-c", "import impsweep; print(impsweep.__file__)", env=environment)
        self.assertIn(str(self.folder / "venv"), where)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
