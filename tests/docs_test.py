#!/usr/bin/env python3
"""What the documents say is so: links and paths lead somewhere, folders list their files in an order in which they need
each other, the reference of keys is what the program prints, and a store holds what docs/store.md names.

    IMPSWEEP_PROGRAM=build/impsweep tests/docs_test.py             tests
    IMPSWEEP_PROGRAM=build/impsweep tests/docs_test.py --update    writes the reference of keys into docs/job-files.md
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
os.environ["IMPSWEEP_PROGRAM"] = str(pathlib.Path(os.environ["IMPSWEEP_PROGRAM"]).resolve())
sys.path.insert(0, str(HERE / "sweeps"))
from sweep_harness import HAS_LIBTORCH, PROGRAM, SweepTest  # noqa: E402

try:
    import h5py
except ImportError:
    h5py = None

LONGEST_README = 150  # lines
CALL = r"^\s*(?:mpirun .* )?(?:build/)?impsweep +([a-z]+)\b(.*)"  # of the program, with command and the rest
KEYS = ROOT / "docs" / "job-files.md"
KEYS_BEGIN, KEYS_END = "<!-- keys: begin -->\n", "<!-- keys: end -->\n"
SOURCE_FOLDERS = ("engine", "agents", "envs", "io")


def tracked_files():
    """Paths relative to the root; all files where there is no git."""
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True)
    if listing.returncode == 0 and listing.stdout:
        paths = listing.stdout.splitlines()
    else:
        paths = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*")
                 if not str(p.relative_to(ROOT)).startswith(("build", "stores", ".git/"))]
    return sorted(path for path in paths if (ROOT / path).is_file())


FILES = tracked_files()
FOLDERS = {str(parent) for path in FILES for parent in pathlib.PurePath(path).parents} - {"."}
DOCUMENTS = [path for path in FILES if path.endswith(".md")]


def text_of(path):
    return (ROOT / path).read_text()


def prose_and_code(text):
    """Markdown apart: lines outside of code blocks with their numbers, and all that is code, in blocks or between
    backticks."""
    prose, code, fenced = [], [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            code.append(line)
        else:
            prose.append((number, line))
    spans = re.findall(r"`([^`]+)`", "\n".join(line for _, line in prose))
    return prose, "\n".join(code) + "\n" + "\n".join(span.replace("\n", " ") for span in spans)


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip())[1:-1]]


def tables(text):
    """[(first line's number, rows of cells without the separator)]; AssertionError for a table that is broken."""
    found, rows = [], []
    for number, line in prose_and_code(text)[0] + [(0, "")]:
        if line.startswith("|"):
            rows.append((number, line))
            continue
        if rows:
            header = cells(rows[0][1])
            assert len(rows) > 1 and re.fullmatch(r"\|(:?-+:?\|)+", rows[1][1]), f"line {rows[0][0]}: no table"
            for row_number, row in rows:
                assert row.rstrip().endswith("|") and len(cells(row)) == len(header), f"line {row_number}: {row}"
            found.append((rows[0][0], [header] + [cells(row) for _, row in rows[2:]]))
        rows = []
    return found


def anchor(heading):
    """As GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


class Documents(unittest.TestCase):
    def test_readme_is_short(self):
        self.assertLessEqual(len(text_of("README.md").splitlines()), LONGEST_README)

    def test_tables_are_whole(self):
        for path in DOCUMENTS:
            with self.subTest(path):
                tables(text_of(path))

    def test_links_lead_somewhere(self):
        links = 0
        for path in DOCUMENTS:
            prose = "\n".join(line for _, line in prose_and_code(text_of(path))[0])
            for target in re.findall(r"\]\(([^)]+)\)", prose):
                if "://" in target:
                    continue
                links += 1
                file, _, place = target.partition("#")
                found = (ROOT / path).parent / file if file else ROOT / path
                with self.subTest(path, target=target):
                    self.assertTrue(found.exists(), "there is no such file")
                    if place:
                        headings = re.findall(r"^#+ (.*)$", found.read_text(), re.MULTILINE)
                        self.assertIn(place, [anchor(heading) for heading in headings])
        self.assertGreater(links, 30)

    def test_paths_exist(self):
        """Whatever begins like a path of the repository: engine/plan/plan.hpp, a stem of sources, envs/cartpole.*"""
        top = {path.split("/")[0] for path in FOLDERS}
        paths = 0
        for path in DOCUMENTS:
            folder = pathlib.PurePath(path).parent
            inner = {str(pathlib.PurePath(f).relative_to(folder)) for f in FOLDERS
                     if folder != pathlib.PurePath(".") and pathlib.PurePath(f).parent == folder}
            firsts = "|".join(sorted(map(re.escape, top | inner)))
            pattern = rf"(?<![\w/.<>$~*-])((?:{firsts})/[\w./*-]*)(?![\w<])"
            for name in re.findall(pattern, prose_and_code(text_of(path))[1]):
                name = name.rstrip(".")
                bases = [ROOT] if name.split("/")[0] in top else []
                bases += [ROOT / folder]
                paths += 1
                with self.subTest(path, name=name):
                    self.assertTrue(any((base / name).exists() or list(base.glob(name + (".*" if "*" not in name else "")))
                                        for base in bases if not name.endswith("/") or (base / name).is_dir()),
                                    "there is no such path")
        self.assertGreater(paths, 150)

    def test_commands_and_flags_exist(self):
        """Every `impsweep COMMAND ... --flag` is a call that the program knows."""
        helps = {}
        calls = 0
        for path in DOCUMENTS:
            code = prose_and_code(text_of(path))[1].replace("\\\n", " ")
            for command, rest in re.findall(CALL, code, re.MULTILINE):
                if command not in helps:
                    helped = subprocess.run([PROGRAM, command, "--help"], capture_output=True, text=True)
                    helps[command] = helped.stdout if helped.returncode == 0 else None
                with self.subTest(path, command=command):
                    self.assertIsNotNone(helps[command], "there is no such command")
                    for flag in re.findall(r"(?<!\S)--([a-z][a-z-]*)", rest.split("#")[0]):
                        self.assertRegex(helps[command], rf"--{flag}\b")
                calls += 1
        self.assertGreater(calls, 30)


def names_in_readme(folder):
    """[(name, row)] of the first column of its tables of files, in their order."""
    names = []
    for _, rows in tables(text_of(f"{folder}/README.md")):
        if re.match(r"(file|folder)\b", rows[0][0]):
            for row in rows[1:]:
                names += [(name, row[0]) for name in re.findall(r"`([^`]+)`", row[0])]
    return names


class Folders(unittest.TestCase):
    """A README names every file of its folder, and of those below that have no README of their own. A stem stands for
    its .cpp and .hpp."""

    def setUp(self):
        self.folders = sorted(folder for folder in FOLDERS if f"{folder}/README.md" in FILES)

    def owner(self, path):
        """The nearest folder above that has a README."""
        for parent in pathlib.PurePath(path).parents:
            if str(parent) in self.folders:
                return str(parent)
        return None

    def meant_by(self, folder, name):
        """The files that a name in the folder's README stands for."""
        path = f"{folder}/{name}"
        if name.endswith("/"):
            return [file for file in FILES if file.startswith(path)]
        return [file for file in FILES if file in (path, path + ".cpp", path + ".hpp")]

    def test_folders_have_a_readme(self):
        needed = {"docs", "jobs", "slurm", "tests", "io", "envs", "agents", "engine"}
        needed |= {folder for folder in FOLDERS
                   if folder.split("/")[0] in ("engine", "agents", "envs") and folder.count("/") == 1}
        self.assertEqual(sorted(needed - set(self.folders)), [])

    def test_every_file_is_named(self):
        for folder in self.folders:
            named = {file for name, _ in names_in_readme(folder) for file in self.meant_by(folder, name)}
            own = {file for file in FILES if self.owner(file) == folder and file != f"{folder}/README.md"}
            below = {inner for inner in self.folders if self.owner(inner) == folder and inner != folder}
            with self.subTest(folder):
                self.assertEqual(sorted(own - named), [], f"files that {folder}/README.md does not name")
                for inner in below:
                    if pathlib.PurePath(inner).parent == pathlib.PurePath(folder):
                        name = inner[len(folder) + 1:] + "/"
                        self.assertIn(name, [listed for listed, _ in names_in_readme(folder)])

    def test_nothing_is_named_that_does_not_exist(self):
        for folder in self.folders:
            for name, _ in names_in_readme(folder):
                with self.subTest(folder, name=name):
                    self.assertTrue(self.meant_by(folder, name), f"{folder}/README.md names what does not exist")

    def test_sources_need_only_what_is_listed_above_them(self):
        for folder in self.folders:
            if folder.split("/")[0] not in SOURCE_FOLDERS:
                continue
            place = {}
            rows = []
            for name, row in names_in_readme(folder):
                if row not in rows:
                    rows.append(row)
                for file in self.meant_by(folder, name):
                    place[file] = rows.index(row)
            for file, row in place.items():
                if not file.endswith((".cpp", ".hpp")):
                    continue
                for included in re.findall(r'^#include "([^"]+)"', text_of(file), re.MULTILINE):
                    with self.subTest(folder, file=file):
                        self.assertLessEqual(place.get(included, 0), row,
                                             f"{folder}/README.md lists {included} below {file}, which includes it")


def key_reference():
    return subprocess.run([PROGRAM, "tasks", "--keys", "--markdown"], capture_output=True, text=True,
                          check=True).stdout


def parted(text):
    """What stands before, between and after the markers."""
    before, rest = text.split(KEYS_BEGIN)
    between, after = rest.split(KEYS_END)
    return before + KEYS_BEGIN, between, KEYS_END + after


class Keys(SweepTest):
    def test_reference_is_what_the_program_prints(self):
        self.maxDiff = 3000
        self.assertEqual(parted(KEYS.read_text())[1], key_reference(),
                         "docs/job-files.md is not what the program knows; "
                         "IMPSWEEP_PROGRAM=build/impsweep tests/docs_test.py --update writes it anew")

    def test_every_key_of_every_task_is_in_it(self):
        listed = set(re.findall(r"^\| `([^`]+)`", key_reference(), re.MULTILINE))
        for task in ("cartpole", "mazegrid-entangled", "minatar-freeway", "hopper", "atari-pong", "digits"):
            shown = json.loads(self.expect(0, "tasks", "--show", task, "--json").stdout)["tasks"][0]["options"]
            for algorithm, keys in shown.items():
                self.assertEqual(set(keys) - listed, set(), (task, algorithm))
        self.assertGreater(len(listed), 150)

    def test_text_has_the_same_keys(self):
        listed = set(re.findall(r"^\| `([^`]+)`", key_reference(), re.MULTILINE))
        shown = self.expect(0, "tasks", "--keys").stdout
        self.assertEqual(listed, set(re.findall(r"^  ([\w.]+)(?: \(.*\))?: ", shown, re.MULTILINE)))

    def test_ranges_of_the_keys_of_sweeps(self):
        """They are not declared like the others, so what refuses them is asked."""
        head = "[[sweep]]\ntasks = ['cartpole']\nalgorithms = ['ppo']\n"
        reference = key_reference()
        for key, line in (("seeds", "seeds = 0"), ("rounds", "seeds = 1\nrounds = 0"),
                          ("master_seed", "seeds = 1\nmaster_seed = -1")):
            message = self.expect(2, "plan", self.write("bad.toml", head + line + "\n")).stderr
            allowed = re.search(r"integer, (\d+\.\.\d+)", message)[1]
            self.assertRegex(reference, rf"\| `{key}` \| [^|]* \| integer, {re.escape(allowed)}")

    def test_forms_exclude_each_other(self):
        for flags in (["--markdown"], ["--keys", "--json"], ["--keys", "--show", "cartpole"]):
            self.assertIn("--keys", self.expect(2, "tasks", *flags).stderr)

    def test_examples_can_be_planned(self):
        for number, example in enumerate(re.findall(r"```toml\n(.*?)```", KEYS.read_text(), re.DOTALL)):
            self.expect(0, "plan", self.write(f"{number}.toml", example))


# Everything that a store can hold, as small as it can be.
TINY = """
[[sweep]]
tasks      = ["cartpole"]
algorithms = ["ppo", "bc"]
seeds      = 1
rounds     = 2
imp.prune_fraction = 0.5
imp.prune_bias  = true
imp.prune_from  = "final"
imp.rewind_step = 512
network.hidden = [16]
rl.steps = 1024
eval.interval = 512
eval.episodes = 3
eval.reevaluation_episodes = 4
bc.teacher_hidden = [16]
bc.teacher_candidates = 1
teacher.rl.steps = 1024
teacher.eval.interval = 512
teacher.eval.episodes = 3
teacher.eval.reevaluation_episodes = 4

[[sweep]]
tasks      = ["minatar-breakout"]
algorithms = ["dqn"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 1
network.architecture = "cnn"
network.filters = 2
network.hidden = [8]
dqn.dueling = true
dqn.batch_size = 32
dqn.min_steps_learn = 320
dqn.replay_size = 640
rl.steps = 640
eval.interval = 640
eval.episodes = 2
eval.reevaluation_episodes = 2

[[sweep]]
tasks      = ["gymnasium:LineWalk-v0"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 1
network.hidden = [8]
rl.steps = 512
eval.interval = 512
eval.episodes = 2
eval.reevaluation_episodes = 2

[[sweep]]
tasks      = ["acrobot"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
sparse.method   = "rigl"
sparse.density  = 0.5
sparse.interval = 16
network.hidden = [8]
rl.steps = 1024
eval.interval = 512
eval.episodes = 1
eval.reevaluation_episodes = 1

[[sweep]]
tasks      = ["hopper"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 2
imp.prune_from  = "final"
imp.rewind_step = 320
ppo.obs_norm = true
network.hidden = [8]
rl.steps = 1280
rl.batch_T = 64
ppo.minibatches = 4
eval.interval = 640
eval.episodes = 1
eval.reevaluation_episodes = 1

[[sweep]]
tasks      = ["cartpole"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 1
imp.prune_fraction = 0.5
network.hidden = [16]
rl.steps = 1024
eval.interval = 512
eval.episodes = 3
eval.reevaluation_episodes = 4
[[sweep.variant]]
name = "ticket"
inputs.ticket_round = 1

[[sweep]]
tasks      = ["digits"]
algorithms = ["supervised"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 1
network.hidden = [8]
rl.steps = 300
eval.interval = 300
supervised.batch_size = 50
digits.path = "{digits}"

[[sweep]]
tasks      = ["atari-breakout"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 1
rl.steps = 64
rl.batch_B = 4
rl.batch_T = 16
rl.decorrelation_steps = 0
ppo.epochs = 1
eval.interval = 64
eval.episodes = 1
eval.reevaluation_episodes = 1

[[sweep]]
tasks      = ["cartpole"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 1
network.hidden = [8]
ppo.learning_rate = 1e30
rl.steps = 512
eval.interval = 512
eval.episodes = 1
eval.reevaluation_episodes = 1
"""
# One training that takes long enough to be killed.
LONG = """
[[sweep]]
tasks      = ["cartpole"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 1
rl.steps   = 100_000_000
eval.interval = 1_000_000
"""
TICKET = "cartpole.ppo.16.default.mask-weights.s00"


def section(title):
    """Tables of a section of docs/store.md, by its heading."""
    part = re.split(r"^## ", text_of("docs/store.md"), flags=re.MULTILINE)
    found = [text for text in part if text.startswith(title)]
    assert len(found) == 1, title
    return [rows for _, rows in tables(found[0])]


class Name:
    """A name of a table in docs/store.md, with type and shape if it says them."""

    def __init__(self, header, row):
        self.text = row[0].strip("`")
        self.pattern = re.compile("".join("[^/@]+" if part.startswith("<") else re.escape(part)
                                          for part in re.split(r"(<[^<>]+>)", self.text)))
        self.types = set(row[header.index("type")].split(" or ")) if "type" in header else set()
        shape = row[header.index("shape")] if "shape" in header else ""
        self.rank = shape.count("[") if re.fullmatch(r"(\[[\w ]+\])*", shape) else None
        self.seen = False


def names_of(title):
    return [Name(rows[0], row) for rows in section(title) if rows[0][0] == "name" for row in rows[1:]]


def type_and_rank(dtype, shape):
    if dtype.fields:
        return "compound", len(shape)
    return ("text" if dtype.kind in "SO" else dtype.name), len(shape)


def contents(file):
    """(name, type, rank) of every dataset and attribute."""
    found = []

    def visit(path, item):
        for name, _ in item.attrs.items():
            kind = item.attrs.get_id(name)
            found.append((f"{path}@{name}", *type_and_rank(kind.dtype, kind.shape)))
        if isinstance(item, h5py.Dataset):
            found.append((path, *type_and_rank(item.dtype, item.shape)))

    visit("", file)
    file.visititems(visit)
    return found


@unittest.skipUnless(h5py, "no h5py for this Python")
class Store(SweepTest):
    made = None  # the directory in which the store was made; every test has a copy

    def setUp(self):
        super().setUp()
        self.write("tiny.toml", TINY.replace("{digits}", str(HERE / "data" / "digits")))
        (self.directory / "roms").mkdir()
        self.write("roms/breakout.bin", "breakout\n")
        self.environment.update(IMPSWEEP_PYTHON=sys.executable, PYTHONPATH=f"{HERE / 'data/fake_ale'}:{HERE / 'data/fake_gymnasium'}",
                                ALE_ROMS_DIR=self.path("roms"))
        if Store.made is None:
            slurm = {"SLURM_JOB_ID": "7", "SLURM_ARRAY_JOB_ID": "7", "SLURM_ARRAY_TASK_ID": "1",
                     "SLURM_RESTART_COUNT": "0"}
            self.expect(1, "run", self.path("tiny.toml"), "--store", self.path("S"), environment=slurm)
            Store.made = tempfile.TemporaryDirectory(prefix="impsweep-test-")
            shutil.copytree(self.path("S"), Store.made.name + "/S")
        else:
            shutil.copytree(Store.made.name + "/S", self.path("S"))

    def compare(self, names, path):
        """Every object of the file is documented, with its type and shape."""
        with h5py.File(path) as file:
            for name, kind, rank in contents(file):
                meant = [documented for documented in names if documented.pattern.fullmatch(name)]
                with self.subTest(path.name, name=name):
                    self.assertEqual(len(meant), 1, "docs/store.md does not name it, or more than once")
                    meant[0].seen = True
                    if meant[0].types:
                        self.assertIn(kind, meant[0].types)
                    if meant[0].rank is not None and "tensor" not in meant[0].text:
                        self.assertEqual(rank, meant[0].rank, "another shape")

    def test_results(self):
        stores = ["S"]
        if HAS_LIBTORCH:
            self.expect(0, "run", self.path("tiny.toml"), "--store", self.path("T"), "--backend", "torch", "--only",
                        TICKET + ":r00")
            stores.append("T")
        names = names_of("Results")
        results = [file for store in stores for file in (self.directory / store / "rounds").glob("*/*.h5")]
        self.assertGreater(len(results), 15)
        for path in results:
            self.compare(names, path)
        self.assertEqual([name.text for name in names if not name.seen and (HAS_LIBTORCH or "torch" not in name.text)],
                         [], "docs/store.md names what no result holds")

    def test_recipes(self):
        keys = set(re.findall(r"^\| `([^`]+)`", key_reference(), re.MULTILINE))
        keys |= set(re.findall(r"`(gymnasium\.\w+)`", (ROOT / "docs/environments.md").read_text()))
        fields = {field for rows in section("Results") if rows[0][0] == "line" for row in rows[1:]
                  for field in re.findall(r"`([^`]+)`", row[0])}
        seen = set()
        for path in (self.directory / "S" / "rounds").glob("*/*.h5"):
            with h5py.File(path) as file:
                seen |= {line.split(" = ")[0] for line in file.attrs["recipe"].decode().splitlines()}
        self.assertEqual(seen - keys - fields, set())
        self.assertLessEqual(fields - seen, {"values_parent", "mask_from"})

    def test_index_and_summaries(self):
        self.compare(names_of("`summaries.h5`"), self.directory / "S" / "summaries.h5")
        with h5py.File(self.directory / "S" / "index.h5") as index:
            columns = {row[0].strip("`"): row[1] for rows in section("`index.h5`") if rows[0][0] == "column"
                       for row in rows[1:]}
            found = {name: type_and_rank(index["rounds"].dtype[name], ())[0] for name in index["rounds"].dtype.names}
            self.assertEqual(found, columns)
            self.assertEqual(set(index), {"rounds", "chains"})
            self.assertIsInstance(index["chains"][TICKET].get("r00", getlink=True), h5py.ExternalLink)
            self.assertTrue(any(chain.startswith("expert-cartpole") for chain in index["chains"]))

    def test_tables(self):
        documented = {row[0].strip("`"): re.findall(r"`([^`]+)`", row[1]) for rows in section("Tables")
                      for row in rows[1:]}
        for table, columns in documented.items():
            header = self.expect(0, "export", self.path("S"), table).stdout.splitlines()[0]
            self.assertEqual(header.split(","), columns)

    def test_events(self):
        rows = [row for rows in section("Events") for row in rows[1:]]
        documented = {row[0].strip("`"): set(re.findall(r"`([^`]+)`", row[1])) for row in rows}
        of_running = set(re.findall(r"`([^`]+)`", next(row[2] for row in rows if row[0] == "`heartbeat`")))
        seen = set()
        for log in (self.directory / "S" / "events").glob("*.log"):
            for line in log.read_text().splitlines():
                event = json.loads(line[26:])
                seen.add(event["type"])
                self.assertEqual(set(event) - {"type", "time"}, documented[event["type"]], line)
                for running in event.get("running", []):
                    self.assertLessEqual(set(running), of_running)
        self.assertEqual(set(documented) - seen, {"lost"})

    def test_identity_and_jobs(self):
        documented = {row[0].strip("`") for rows in section("`store.toml`") for row in rows[1:]}
        found = {"schema"}
        text = (self.directory / "S" / "store.toml").read_text()
        for line in text[text.index("[fingerprint]") + len("[fingerprint]"):].strip().splitlines():
            found.add("fingerprint." + line.split(" = ")[0].strip("'\""))
        self.assertEqual({name for name in documented if "torch" not in name}, found)
        self.assertEqual(len(list((self.directory / "S" / "jobs").glob("*.toml"))), 1)

    def test_top_level(self):
        first = tables(text_of("docs/store.md"))[0][1]
        documented = {row[0].strip("`").split("/")[0] for row in first[1:]}
        self.assertEqual({path.name for path in (self.directory / "S").iterdir()}, documented)

    def test_pack_ticket_and_trajectory(self):
        self.expect(0, "pack", self.path("S"), self.path("pack.h5"))
        with h5py.File(self.path("pack.h5")) as pack:
            names = names_of("Packs") + names_of("Results")
            patterns = [name.pattern for name in names_of("Packs")]
            results = [name.pattern for name in names_of("Results")]
            for name, _, _ in contents(pack):
                inside = re.fullmatch(r"chains/[^/]+/r\d+(?:/(.*)|(@.*))", name)
                found = any(pattern.fullmatch(inside[1] or inside[2]) for pattern in results) if inside else any(
                    pattern.fullmatch(name) for pattern in patterns)
                self.assertTrue(found, name)
            self.assertGreater(len(names), 50)
        self.expect(0, "pack", self.path("S"), self.path("summary.h5"), "--summary")
        with h5py.File(self.path("summary.h5")) as pack:
            for name, _, _ in contents(pack):
                self.assertTrue(any(pattern.fullmatch(name) for pattern in patterns), name)
            counts = {f"result/{name}" for name in ("input_kept", "input_effective", "tensor_entries", "tensor_magnitude")}
            for place in pack["records"].attrs["places"].astype(str):
                self.assertTrue(place in counts or any(pattern.fullmatch(place) for pattern in results), place)
        self.expect(0, "export", self.path("S"), "ticket", "--chain", TICKET, "--round", "1", "--output",
                    self.path("ticket.h5"))
        self.compare(names_of("Tickets"), self.directory / "ticket.h5")
        for chain, kind in ((TICKET, "int32"), ("hopper.ppo.8.default.mask-weights.s00", "float32")):
            self.expect(0, "evaluate", self.path("S"), chain, "0", "--episodes", "2", "--trajectory", self.path("t.h5"))
            names = names_of("Trajectories")
            self.compare(names, self.directory / "t.h5")
            self.assertTrue(all(name.seen for name in names))
            with h5py.File(self.path("t.h5")) as steps:
                self.assertEqual(steps["action"].dtype.name, kind)

    def test_checkpoint_lease_and_quarantine(self):
        run = self.start("run", self.write("long.toml", LONG), "--store", self.path("L"), "--checkpoint-every", "0.1s")
        live = self.directory / "L" / "live"
        self.wait_until(lambda: live.exists() and list(live.glob("*.previous.h5")))
        self.kill_group(run)
        run.wait()
        for path in live.glob("*.h5"):
            names = names_of("Checkpoints")
            self.compare(names, path)
            self.assertTrue(all(name.seen for name in names))
        lease = json.loads(next((self.directory / "L" / "leases").iterdir()).read_text())
        documented = {field for rows in section("Leases") for row in rows[1:] for field in re.findall(r"`([^`]+)`", row[0])}
        self.assertEqual(set(lease), documented)
        damaged = next((self.directory / "S" / "rounds").glob("*/*.h5"))
        damaged.write_bytes(damaged.read_bytes()[:-100])
        self.call("run", self.path("tiny.toml"), "--store", self.path("S"))
        quarantined = sorted(path.name for path in (self.directory / "S" / "quarantine").iterdir())
        self.assertRegex(quarantined[0], rf"^{damaged.stem}\.\d{{8}}T\d{{6}}Z\.[^.]+\.\d+\.\d+\.h5$")
        self.assertEqual(quarantined[1], quarantined[0] + ".reason.txt")
        reason = (self.directory / "S" / "quarantine" / quarantined[1]).read_text().splitlines()
        self.assertEqual([line.split(": ")[0] for line in reason], ["file", "reason"])


def update():
    before, _, after = parted(KEYS.read_text())
    KEYS.write_text(before + key_reference() + after)


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        unittest.main()
