"""What comes from outside is checked before it is used, what is not the program's is never touched, and what cannot
be written or read is said."""

import ctypes
import glob
import hashlib
import os
import pathlib
import pty
import re
import shutil
import signal
import struct
import subprocess
import time
import unittest

import h5py
import numpy

from sweep_harness import PROGRAM, SweepTest

SMALL = {"tasks": '["cartpole"]', "algorithms": '["ppo"]', "baselines": '["mask/weights"]', "seeds": 1, "rounds": 2,
         "network.hidden": "[8, 8]", "rl.steps": 2048, "eval.interval": 1024, "eval.episodes": 2,
         "eval.reevaluation_episodes": 2}
LONG = {**SMALL, "rounds": 1, "rl.steps": 40_000_000, "eval.interval": 40_000_000, "eval.episodes": 1,
        "eval.reevaluation_episodes": 1}
CHAIN = "cartpole.ppo.8-8.default.mask-weights.s00"
USER_BLOCK = 512


def job_text(settings):
    return "[[sweep]]\n" + "".join(f"{key} = {value}\n" for key, value in settings.items())


class Hash128(ctypes.Structure):
    _fields_ = [("low", ctypes.c_uint64), ("high", ctypes.c_uint64)]


def sign(path):
    """Gives a record whose payload was altered the length and the checksum of what it holds now."""
    try:
        library = ctypes.CDLL("libxxhash.so.0")
    except OSError as error:
        raise unittest.SkipTest("no libxxhash.so.0") from error
    library.XXH3_128bits.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    library.XXH3_128bits.restype = Hash128
    payload = path.read_bytes()[USER_BLOCK:]
    found = library.XXH3_128bits(payload, len(payload))
    block = (f"impsweep record, format 1\npayload_bytes {len(payload)}\n"
             f"payload_xxh3_128 {found.high:016x}{found.low:016x}\n"
             f"This is an HDF5 file with a user block of {USER_BLOCK} bytes; h5py, h5ls and others open it as it is.\n")
    path.write_bytes(block.encode().ljust(USER_BLOCK, b"\0") + payload)


def edit(path, change):
    os.chmod(path, 0o644)
    with h5py.File(path, "r+") as file:
        change(file)
    sign(path)


def listing(directory):
    """What every file below a directory holds, and where every link leads."""
    found = {}
    for folder, _, names in os.walk(directory):
        for name in names:
            path = pathlib.Path(folder, name)
            found[str(path)] = os.readlink(path) if path.is_symlink() else hashlib.sha256(path.read_bytes()).digest()
    return found


class Outside(SweepTest):
    def store(self, name="S", settings=SMALL):
        job = self.write(f"{name}.toml", job_text(settings))
        result = self.call("run", job, "--store", self.path(name))
        self.assertEqual(result.returncode, 0, result.stderr)
        return self.directory / name

    def round_file(self, store, round=1):
        for path in sorted((self.directory / store / "rounds").glob("*/*.h5")):
            with h5py.File(path) as file:
                if file.attrs["round"] == round:
                    return path
        return self.fail("no such result")

    def old(self, name, text="precious"):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        os.utime(path, (time.time() - 3 * 86400,) * 2)
        return path


class ReceivedData(Outside):
    def paused(self, task):
        job = self.write("paused.toml", job_text({**LONG, "tasks": f'["{task}"]', "algorithms": '["dqn"]',
                                                  "network.hidden": "[16]", "dqn.min_steps_learn": 1000,
                                                  "dqn.replay_size": 2000}))
        self.assertEqual(self.call("run", job, "--store", self.path("P"), "--time-limit", "3s").returncode, 3)
        for path in (self.directory / "P/live").glob("*.previous.h5"):
            path.unlink()
        return job

    def go_on(self, job, field, value, skip=0):
        """The next run on a copy of the store in whose checkpoint a field has another value."""
        shutil.rmtree(self.directory / "X", ignore_errors=True)
        shutil.copytree(self.directory / "P", self.directory / "X")
        [path] = (self.directory / "X/live").glob("*.h5")
        with h5py.File(path) as file:
            state = bytearray(file["state"][:].tobytes())
        key = struct.pack("<Q", len(field)) + field.encode()
        place = state.find(key)
        self.assertGreaterEqual(place, 0, field)
        place += len(key) + skip
        state[place:place + len(value)] = value

        def change(file):
            del file["state"]
            file["state"] = numpy.frombuffer(bytes(state), "u1")
        edit(path, change)
        return self.call("run", job, "--store", self.path("X"), "--time-limit", "3s")

    def test_an_index_of_a_checkpoint_is_checked(self):
        job = self.paused("minatar-breakout")
        for field, value, skip in (("ball_x", struct.pack("<i", 100000), 0), ("paddle", struct.pack("<i", -1), 0),
                                   ("direction", b"\x09", 0), ("wall", b"\xff\xff", 8), ("last_action", b"\x06", 0),
                                   ("action", struct.pack("<i", 6), 8), ("leaves", struct.pack("<d", -1.0), 8),
                                   ("written", struct.pack("<q", 1 << 62), 0)):
            result = self.go_on(job, field, value, skip)
            self.assertEqual(result.returncode, 3, f"{field}: {result.stderr}")
            self.assertIn("starts again", result.stdout + result.stderr, field)

    def test_a_cell_of_a_maze_is_checked(self):
        job = self.paused("mazegrid")
        for field, value, skip in (("agent", struct.pack("<i", 0), 0), ("coins", b"\xff" * 8, 8)):
            result = self.go_on(job, field, value, skip)
            self.assertEqual(result.returncode, 3, f"{field}: {result.stderr}")
            self.assertIn("starts again", result.stdout + result.stderr, field)

    def test_arrays_of_a_curve_have_one_length(self):
        self.store()

        def change(file):
            del file["curve/mean"]
            file["curve/mean"] = numpy.ones(1)
        edit(self.round_file("S"), change)
        result = self.call("export", self.path("S"), "curves")
        self.assertEqual(result.returncode, 2)
        self.assertIn("curve/mean", result.stderr)
        self.assertEqual(self.call("verify", self.path("S")).returncode, 1)
        self.assertEqual(self.call("pack", self.path("S"), self.path("all.h5")).returncode, 2)

    def test_inputs_are_those_of_the_network(self):
        self.store()

        def change(file):
            del file["result/input_magnitude"]
            file["result/input_magnitude"] = numpy.ones(100000)
        edit(self.round_file("S"), change)
        result = self.call("export", self.path("S"), "inputs")
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn("result/input_magnitude", result.stderr)

    def test_a_result_that_reaches_out_of_its_file_is_damaged(self):
        self.store()
        secret = b"not for others"
        key = self.write("key", secret.decode())
        self.old("linked.h5")
        with h5py.File(self.path("linked.h5"), "w") as file:
            file["x"] = numpy.ones(3)
        changes = {"storage": lambda file: file.create_dataset("snapshots/x", shape=(len(secret),), dtype="u1",
                                                               external=[(key, 0, len(secret))]),
                   "external": lambda file: file.__setitem__("curve/x", h5py.ExternalLink(self.path("linked.h5"), "/x")),
                   "soft": lambda file: file.__setitem__("curve/x", h5py.SoftLink("/curve/mean")),
                   "cycle": lambda file: file.__setitem__("curve/loop", file["/"])}
        for name, change in changes.items():
            shutil.rmtree(self.directory / "X", ignore_errors=True)
            shutil.copytree(self.directory / "S", self.directory / "X")
            edit(self.round_file("X"), change)
            result = self.call("verify", self.path("X"), timeout=15)
            self.assertEqual(result.returncode, 1, f"{name}: {result.stdout}")
            self.assertEqual(self.call("merge", self.path("M" + name), self.path("X"), timeout=15).returncode, 1, name)
            self.call("pack", self.path("X"), self.path(name + ".pack"), timeout=15)  # may leave it out
            for path in [self.directory / (name + ".pack"), *(self.directory / ("M" + name)).rglob("*.h5")]:
                self.assertFalse(path.is_file() and secret in path.read_bytes(), path)

    def test_what_is_no_file_is_named_and_not_read(self):
        self.store()
        os.mkfifo(self.path("S/events/a.log"))
        os.mkfifo(self.path("S/leases/" + "0" * 64))
        os.mkfifo(self.path("S/jobs/" + "0" * 64 + ".toml"))
        for arguments in (["status", self.path("S")], ["run", self.path("S.toml"), "--store", self.path("S")]):
            result = self.call(*arguments, timeout=15)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertIn("a.log: is no plain file", result.stderr)

    def test_a_deep_job_file_is_refused(self):
        for text in ("a." * 50000 + "b = 1\n", "a = " + "[" * 50000 + "]" * 50000 + "\n", "[" + "a." * 50000 + "b]\n"):
            job = self.write("deep.toml", "[[sweep]]\n" + text)
            result = self.call("plan", job)
            self.assertEqual(result.returncode, 2, result.stderr[-300:])
            self.assertIn("deep.toml:2", result.stderr)

    def test_a_damaged_recording_is_refused(self):
        whole = pathlib.Path(os.environ["IMPSWEEP_TEST_DATA"], "cartpole.h5").read_bytes()
        stream = numpy.random.default_rng(1)
        for _ in range(40):
            content = bytearray(whole)
            for place in stream.integers(0, min(len(content), 20000), 5):
                content[place] = stream.integers(0, 256)
            (self.directory / "trace.h5").write_bytes(content)
            result = self.call("replay", self.path("trace.h5"), timeout=60)
            self.assertIn(result.returncode, (0, 1, 2), result.stderr)


class Ownership(Outside):
    def test_a_directory_of_a_user_is_no_store(self):
        job = self.old("project/jobs/mine.toml", job_text(SMALL))
        for name in ("project/draft.tmp", "project/rounds/ab/draft.tmp", "project/notes.txt"):
            self.old(name)
        before = listing(self.directory)
        result = self.call("run", str(job), "--store", self.path("project"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("not empty", result.stderr)
        self.assertEqual(listing(self.directory), before)

    def test_a_start_that_was_killed_leaves_a_place_for_a_store(self):
        self.old("S/store.toml.host.1.0.tmp")
        self.store()

    def test_a_link_in_a_store_leads_nowhere(self):
        self.store()
        self.old("victim/thesis.tmp")
        self.old("victim/x.h5.host.1.0.tmp")
        os.symlink(self.path("victim"), self.path("S/rounds/ff"))
        self.call("run", self.path("S.toml"), "--store", self.path("S"))
        self.assertEqual(sorted(os.listdir(self.path("victim"))), ["thesis.tmp", "x.h5.host.1.0.tmp"])

    def test_a_folder_of_a_store_is_no_link(self):
        for name in ("rounds", "live", "leases", "jobs", "events", "quarantine"):
            shutil.rmtree(self.directory / "S", ignore_errors=True)
            self.store()
            os.rename(self.path("S/" + name), self.path("away-" + name))
            self.old(f"away-{name}/thesis.tmp")
            self.old(f"away-{name}/{'0' * 64}")
            os.symlink(self.path("away-" + name), self.path("S/" + name))
            before = listing(self.directory)
            for arguments in (["run", self.path("S.toml"), "--store", self.path("S")],
                              ["merge", self.path("S"), self.path("S")]):
                result = self.call(*arguments)
                self.assertEqual(result.returncode, 2, f"{name}: {result.stderr}")
                self.assertIn(f"S/{name}: is a link", result.stderr)
            for arguments in (["status"], ["verify"], ["export", "rounds"]):
                self.call(arguments[0], self.path("S"), *arguments[1:])
            self.assertEqual(listing(self.directory), before, name)

    def test_a_store_may_be_reached_by_a_link(self):
        os.mkdir(self.path("scratch"))
        os.symlink("scratch", self.path("S"))
        self.store()
        self.assertTrue((self.directory / "scratch/store.toml").exists())

    def test_verify_leaves_what_it_finds(self):
        self.store()
        damaged = self.round_file("S")
        change = damaged.stat().st_mtime_ns
        os.chmod(damaged, 0o644)
        data = damaged.read_bytes()
        damaged.write_bytes(data[:4000] + bytes([data[4000] ^ 1]) + data[4001:])
        os.utime(damaged, ns=(change, change))
        before = listing(self.path("S"))
        result = self.call("verify", self.path("S"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("is altered", result.stdout)
        self.assertIn("remove " + self.path("S/summaries.h5"), result.stdout)
        self.assertEqual(listing(self.path("S")), before)

    def test_reading_changes_nothing(self):
        self.store()
        self.old("S/jobs/notes.toml", "# whose seeds were whose\n")
        self.old("S/jobs/" + "0" * 64 + ".toml", "# altered\n")
        damaged = self.round_file("S")
        self.assertEqual(damaged.stat().st_mode & 0o222, 0)
        os.chmod(damaged, 0o644)
        damaged.write_bytes(damaged.read_bytes()[:-1])
        before = listing(self.path("S"))
        for arguments in (["status", "S"], ["export", "S", "rounds"], ["export", "S", "curves"], ["explain", "S", CHAIN],
                          ["evaluate", "S", CHAIN, "0", "--episodes", "1"], ["pack", "S", "all.h5"],
                          ["plan", "S.toml", "--store", "S"]):
            subprocess.run([PROGRAM, *arguments], cwd=self.directory, env=self.environment, capture_output=True,
                           timeout=60, check=False)
            self.assertEqual(listing(self.path("S")), before, arguments)
        result = self.call("run", self.path("S.toml"), "--store", self.path("S"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue((self.directory / "S/jobs/notes.toml").exists())
        self.assertEqual(len(glob.glob(self.path("S/quarantine/*.reason.txt"))), 2)

    def test_output_goes_where_it_is_sent(self):
        self.store()
        os.mkfifo(self.path("pipe"))
        reader = os.open(self.path("pipe"), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        export = ["export", self.path("S"), "rounds", "--output"]
        self.assertEqual(self.call(*export, self.path("pipe")).returncode, 0)
        self.assertTrue(os.read(reader, 5).startswith(b"chain"))
        self.assertTrue((self.directory / "pipe").is_fifo())
        self.write("target.csv", "old")
        os.symlink("target.csv", self.path("link.csv"))
        self.assertEqual(self.call(*export, self.path("link.csv")).returncode, 0)
        self.assertTrue((self.directory / "link.csv").is_symlink())
        self.assertTrue((self.directory / "target.csv").read_text().startswith("chain"))
        self.assertEqual(self.call(*export, "/dev/null").returncode, 0)
        before = listing(self.path("S"))
        os.symlink("S/store.toml", self.path("way-in"))
        for place in ("S/store.toml", "S/rounds/new.csv", "way-in"):
            result = self.call(*export, self.path(place))
            self.assertEqual(result.returncode, 2, place)
            self.assertIn("lies in the store", result.stderr)
        self.assertEqual(self.call("pack", self.path("S"), self.path("S/all.h5")).returncode, 2)
        self.assertEqual(listing(self.path("S")), before)


class Streams(Outside):
    def test_output_that_is_lost_is_an_error(self):
        self.store()
        job, store = self.path("S.toml"), self.path("S")
        for arguments in (["export", store, "rounds"], ["status", store], ["status", store, "--json"],
                          ["verify", store, "--json"], ["plan", job, "--json"], ["explain", store, CHAIN], ["--help"]):
            with open("/dev/full", "wb") as full:
                result = subprocess.run([PROGRAM, *arguments], stdout=full, stderr=subprocess.PIPE, timeout=60,
                                        env=self.environment, check=False)
            self.assertEqual(result.returncode, 1, arguments)
            self.assertIn(b"No space left", result.stderr)
        with open("/dev/full", "wb") as full:
            result = subprocess.run([PROGRAM, "plan", "absent.toml"], stderr=full, timeout=60, env=self.environment,
                                    check=False)
        self.assertEqual(result.returncode, 2)

    def test_closed_streams_lead_nowhere(self):
        job = self.write("job.toml", job_text(SMALL))
        for number, streams in enumerate((">&-", ">&- 2>&-", "<&- >&- 2>&-")):
            store = self.path(f"S{number}")
            script = f'"{PROGRAM}" run {job} --store {store} {streams}'
            self.assertEqual(subprocess.run(["bash", "-c", script], env=self.environment, check=False,
                                            timeout=60).returncode, 0)
            for arguments in (["verify", store], ["status", store, "--exit-code"]):
                result = self.call(*arguments)
                self.assertEqual(result.returncode, 0, streams)
                self.assertNotIn("damaged line", result.stderr)

    def test_the_end_of_a_terminal_saves(self):
        job = self.write("long.toml", job_text(LONG))
        for number in (signal.SIGHUP, signal.SIGXCPU):
            store = f"S{number}"
            process = self.start("run", job, "--store", self.path(store))
            time.sleep(3)
            process.send_signal(number)
            self.assertEqual(process.wait(20), 3)
            [path] = [p for p in (self.directory / store / "live").glob("*.h5") if "previous" not in p.name]
            with h5py.File(path) as file:
                self.assertGreater(file.attrs["step"], 0)

    def test_a_plain_terminal_gets_no_control_sequences(self):
        job = self.write("job.toml", job_text({**SMALL, "rl.steps": 400_000, "eval.interval": 200_000}))
        seen = {}
        for number, (name, change) in enumerate({"terminal": {}, "dumb": {"TERM": "dumb"},
                                                 "plain": {"NO_COLOR": "1"}}.items()):
            ours, theirs = pty.openpty()
            environment = {**self.environment, "TERM": "xterm", **change}
            process = subprocess.Popen([PROGRAM, "run", job, "--store", self.path(f"S{number}")], stdout=theirs,
                                       stderr=theirs, stdin=subprocess.DEVNULL, env=environment)
            os.close(theirs)
            text = b""
            while True:
                try:
                    part = os.read(ours, 65536)
                except OSError:  # the other side has gone
                    break
                if not part:
                    break
                text += part
            os.close(ours)
            self.assertEqual(process.wait(60), 0)
            seen[name] = text
        self.assertIn(b"\x1b", seen["terminal"])
        self.assertNotIn(b"\x1b", seen["dumb"])
        self.assertNotIn(b"\x1b", seen["plain"])

    def test_control_characters_are_shown_and_not_sent(self):
        result = self.call("plan", self.path("a\x1b[31mb.toml"))
        self.assertEqual(result.returncode, 2)
        self.assertIn("a\\x1b[31mb", result.stderr)


class Versions(Outside):
    def freeze_newer(self, store, contains=""):
        for path in (self.directory / store / "jobs").glob("*.toml"):
            text = path.read_text()
            if contains in text:
                path.unlink()
                text = text.replace("rl.steps = ", "rl.new_option = 3\nrl.steps = ", 1)
                name = hashlib.sha256(text.encode()).hexdigest()
                self.write(f"{store}/jobs/{name}.toml", text)
                return name
        return self.fail("no such job")

    def test_a_job_of_a_newer_version_closes_no_store(self):
        store = self.store()
        acrobot = self.write("acrobot.toml", job_text({**SMALL, "tasks": '["acrobot"]', "rounds": 1}))
        self.assertEqual(self.call("run", acrobot, "--store", str(store)).returncode, 0)
        newer = self.freeze_newer("S", "acrobot")
        for arguments, wanted in ((["export", str(store), "rounds"], CHAIN), (["status", str(store)], "cartpole"),
                                  (["verify", str(store)], "results")):
            result = self.call(*arguments)
            self.assertIn(wanted, result.stdout, arguments)
            self.assertIn(newer, result.stderr, arguments)
            self.assertIn("rl.new_option", result.stderr, arguments)
        self.assertEqual(self.call("status", str(store), "--exit-code").returncode, 2)

    def test_merging_a_newer_store_keeps_the_destination(self):
        self.store("good")
        shutil.copytree(self.directory / "good", self.directory / "theirs")
        self.freeze_newer("theirs")
        before = self.call("export", self.path("good"), "rounds").stdout
        self.call("merge", self.path("good"), self.path("theirs"))
        self.assertEqual(self.call("export", self.path("good"), "rounds").stdout, before)
        for arguments in (["status", self.path("good")], ["verify", self.path("good")],
                          ["run", self.path("good.toml"), "--store", self.path("good")]):
            self.assertEqual(self.call(*arguments).returncode, 0, arguments)

    def test_the_understood_part_of_a_newer_job_is_used(self):
        job = self.write("two.toml", job_text(SMALL) + job_text({**SMALL, "tasks": '["acrobot"]', "rounds": 1}))
        store = self.path("S")
        self.assertEqual(self.call("run", job, "--store", store).returncode, 0)
        [path] = (self.directory / "S/jobs").glob("*.toml")
        first, second = path.read_text().split('tasks = ["acrobot"]')
        path.unlink()
        text = first + 'tasks = ["acrobot"]' + second.replace("rl.steps = ", "rl.new_option = 3\nrl.steps = ", 1)
        self.write(f"S/jobs/{hashlib.sha256(text.encode()).hexdigest()}.toml", text)
        result = self.call("export", store, "rounds")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stdout.count(CHAIN), 2)
        self.assertIn("rl.new_option", result.stderr)
        version = self.call("--version").stdout.split()[1]
        self.assertIn(f"impsweep {version} does not understand", result.stderr)
        self.assertIn(f"written by impsweep {version})", result.stderr)

    def newer_format(self, path):
        os.chmod(path, 0o644)
        data = path.read_bytes()
        path.write_bytes(data.replace(b"record, format 1", b"record, format 7", 1))

    def test_a_result_of_a_newer_format_is_named_and_stays(self):
        store = str(self.store())
        newer = self.round_file("S")
        self.newer_format(newer)
        before = newer.read_bytes()
        for arguments in (["export", store, "rounds"], ["verify", store],
                          ["merge", self.path("M"), store], ["run", self.path("S.toml"), "--store", store]):
            result = self.call(*arguments)
            self.assertIn("format 7, this program reads format 1", result.stdout + result.stderr, arguments)
            self.assertEqual(newer.read_bytes(), before, arguments)
        self.assertEqual(os.listdir(self.path("S/quarantine")), [])

    def test_a_checkpoint_of_a_newer_format_stays(self):
        job = self.write("long.toml", job_text(LONG))
        self.assertEqual(self.call("run", job, "--store", self.path("P"), "--time-limit", "2s").returncode, 3)
        for path in (self.directory / "P/live").glob("*"):
            self.newer_format(path)
        before = listing(self.path("P/live"))
        result = self.call("run", job, "--store", self.path("P"), "--time-limit", "10s")
        self.assertEqual(result.returncode, 1)
        self.assertIn("format 7, this program reads format 1", result.stdout + result.stderr)
        self.assertEqual(listing(self.path("P/live")), before)

    def test_merge_looks_at_all_stores_first(self):
        first, second = str(self.store("first")), str(self.store("second", {**SMALL, "ppo.learning_rate": 0.02}))
        shutil.copytree(first, self.path("third"))
        identity = (self.directory / "third/store.toml").read_text()
        for text, reason in (("schema = 1\n[fingerprint]\n", "has nothing"),
                             (re.sub('compiler = .*', 'compiler = "another compiler"', identity), "another compiler")):
            self.write("third/store.toml", text)
            result = self.call("merge", self.path("M"), first, self.path("third"))
            self.assertEqual(result.returncode, 2)
            self.assertIn("do not mix", result.stderr)
            self.assertFalse((self.directory / "M").exists())
        result = self.call("merge", self.path("M"), first, second)
        self.assertEqual(result.returncode, 2)
        self.assertIn("ppo.learning_rate", result.stderr)
        self.assertFalse((self.directory / "M").exists())

    def test_a_store_without_its_jobs_is_not_complete(self):
        store = self.store()
        for path in (store / "jobs").glob("*"):
            path.unlink()
        for arguments in (["status", str(store), "--exit-code"], ["pack", str(store), self.path("all.h5")],
                          ["export", str(store), "rounds"], ["export", str(store), "curves"]):
            result = self.call(*arguments)
            self.assertEqual(result.returncode, 2, arguments)
            self.assertIn("2 results that no job of it asks for", result.stderr)


if __name__ == "__main__":
    unittest.main()
