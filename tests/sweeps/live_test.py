"""What people see while a sweep runs: `run` and `status --watch` on a terminal, and `report --watch` in a browser's place."""

import fcntl
import http.client
import os
import pathlib
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest

from sweep_harness import PROGRAM, SweepTest

ENDLESS = """
[[sweep]]
tasks      = ["cartpole"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 2
network.hidden = [16]
rl.steps = 400000000
eval.interval = 4096
eval.episodes = 2
"""
BARS = "▁▂▃▄▅▆▇█"


class Terminal:
    """A program on a terminal of this size."""

    def __init__(self, arguments, columns, environment, rows=24):
        self.screen, ours = os.openpty()
        fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {name: value for name, value in environment.items() if name != "NO_COLOR"}
        self.process = subprocess.Popen(arguments, stdin=ours, stdout=ours, stderr=ours,
                                        env={**environment, "TERM": "xterm"}, start_new_session=True)
        os.close(ours)
        self.text = b""

    def read_until(self, done, timeout=60):
        end = time.monotonic() + timeout
        while time.monotonic() < end and not done(self.text.decode("utf-8", "ignore")):
            if select.select([self.screen], [], [], 0.2)[0]:
                try:
                    self.text += os.read(self.screen, 65536)
                except OSError:
                    break
        return self.text.decode("utf-8", "ignore")

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.read_until(lambda _: self.process.poll() is not None)
        os.close(self.screen)
        return self.process.wait(30)


class Terminals(SweepTest):
    def lines(self, text):
        return [re.sub(r"\x1b\[[0-9]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]+", text)]

    def test_a_run_shows_returns_and_their_curve(self):
        terminal = Terminal([PROGRAM, "run", self.write("endless.toml", ENDLESS), "--store", self.path("S")], 60,
                            self.environment)
        pattern = rf"\[[#.]{{10}}\] +[0-9.]+ [{BARS}]{{3}}"
        text = terminal.read_until(lambda text: re.search(pattern, text))
        self.assertEqual(terminal.stop(), 3)
        self.assertRegex(text, pattern)
        self.assertRegex(text, r"0/2 trainings, 1 running")
        self.assertLessEqual(max(len(line) for line in self.lines(text) if line.startswith("[")), 60)

    def test_a_screen_shows_returns_and_their_curves(self):
        self.expect(0, "run", self.job, "--store", self.path("S"))
        run = self.start("run", self.write("endless.toml", ENDLESS), "--store", self.path("S"))
        self.wait_until(lambda: list((self.directory / "S" / "live").iterdir()))  # a complete store is not watched
        terminal = Terminal([PROGRAM, "status", self.path("S"), "--watch", "--returns"], 60, self.environment, rows=40)
        running = rf"\] rank 0 +[0-9.]+ [{BARS}]+ "
        text = terminal.read_until(lambda text: re.search(running, text))
        self.assertEqual(terminal.stop(), 0)
        self.kill_group(run)
        run.wait()
        self.assertRegex(text, running)
        last = self.lines(text.split("\x1b[H\x1b[J")[-1])
        self.assertLessEqual(max(map(len, last)), 60)
        curves = [line for line in last if re.fullmatch(rf"  (mask|random|permuted)/\S+ +[{BARS}]{{3}} +[0-9.]+ > [0-9.]+ \(r02\)", line)]
        self.assertEqual(len(curves), 8)  # four baselines of ppo and bc
        self.assertIn("cartpole ppo 32-32", last)


class Served(SweepTest):
    def setUp(self):
        super().setUp()
        self.expect(0, "run", self.job, "--store", self.path("S"), "--only", "cartpole.ppo.32-32.default.mask-weights.s00:1")
        self.server = None

    def serve(self, *options):
        temporary = self.directory / "tmp"
        temporary.mkdir(exist_ok=True)
        self.server = subprocess.Popen([PROGRAM, "report", self.path("S"), "--watch", "--every", "0.5s", *options],
                                       stdout=subprocess.PIPE, text=True, env={**self.environment, "TMPDIR": str(temporary)})
        self.addCleanup(self.end)
        address = self.server.stdout.readline().strip()
        found = re.fullmatch(r"http://127\.0\.0\.1:(\d+)/([0-9a-f]{32})/", address)
        self.assertTrue(found, address)
        return int(found[1]), found[2]

    def end(self):
        if self.server.poll() is None:
            self.server.kill()
        self.server.wait()
        self.server.stdout.close()

    def ask(self, port, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        connection.request(method, path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer, body

    def test_only_who_knows_the_path_sees_the_page(self):
        port, token = self.serve()
        answer, page = self.ask(port, f"/{token}/")
        self.assertEqual((answer.status, answer.getheader("Referrer-Policy")), (200, "no-referrer"))
        self.assertIn(b"<h1>", page)
        self.assertIn(b"connect-src 'self'", page)
        names = re.findall(rb'href="(figures/[^"]+)"', page)
        self.assertGreater(len(names), 3)
        answer, picture = self.ask(port, f"/{token}/{names[0].decode()}")
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (200, "image/svg+xml"))
        self.assertIn(b"<svg", picture)
        wrong = ("0" if token[0] != "0" else "1") + token[1:]
        for path in ("/", "/version", f"/{wrong}/", f"/{token}", f"/{token}x/", f"/{token}/figures/../index.html",
                     f"/{token}/figures/..%2f..%2fetc%2fpasswd", f"/{token}/figures//etc/passwd", f"/{token}/../S/store.toml",
                     f"/{token}/figures/none.svg", "/" + "a" * 9000):
            answer, body = self.ask(port, path)
            self.assertEqual(answer.status, 404, path)
            self.assertNotIn(b"root:", body)
        self.assertEqual(self.ask(port, f"/{token}/", "POST")[0].status, 405)
        answer, body = self.ask(port, f"/{token}/", "HEAD")
        self.assertEqual((answer.status, body), (200, b""))
        self.assertGreater(int(answer.getheader("Content-Length")), 1000)

    def test_it_listens_on_loopback_alone(self):
        port, _ = self.serve()
        sockets = [line.split() for line in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
        listening = [entry[1] for entry in sockets if entry[3] == "0A" and entry[1].endswith(f":{port:04X}")]
        self.assertEqual(listening, [f"0100007F:{port:04X}"])
        if pathlib.Path("/proc/net/tcp6").exists():
            self.assertNotIn(f":{port:04X} 0", "".join(
                line for line in pathlib.Path("/proc/net/tcp6").read_text().splitlines()[1:] if line.split()[3] == "0A"))

    def test_rude_clients_do_not_stop_it(self):
        port, token = self.serve()
        rude = []
        for text in (b"", b"GET", b"GET / HTTP/1.1\r\n", b"\x00" * 200000, b"nonsense\r\n\r\n"):
            rude.append(socket.create_connection(("127.0.0.1", port)))
            try:
                rude[-1].sendall(text)
            except OSError:
                pass
        self.assertEqual(self.ask(port, f"/{token}/version")[0].status, 200)
        for one in rude:
            one.close()
        self.assertIsNone(self.server.poll())

    def test_the_page_is_drawn_anew_while_the_sweep_runs(self):
        port, token = self.serve()
        first = self.ask(port, f"/{token}/")[1].decode()
        self.assertEqual(self.ask(port, f"/{token}/version")[1], b"1")
        time.sleep(2)
        self.assertEqual(self.ask(port, f"/{token}/version")[1], b"1")  # nothing is new
        self.expect(0, "run", self.job, "--store", self.path("S"))
        self.wait_until(lambda: int(self.ask(port, f"/{token}/version")[1]) >= 2)
        self.wait_until(lambda: "Complete" in self.ask(port, f"/{token}/")[1].decode())
        self.assertNotIn("Complete", first)
        self.server.send_signal(signal.SIGINT)
        self.assertEqual(self.server.wait(60), 0)
        self.assertEqual(list((self.directory / "tmp").glob("impsweep-report*")), [])

    def test_wrong_flags(self):
        for options, words in ((["--port", "70000"], "outside 0..65535"), (["--every", "soon"], "is no duration"),
                               (["--json"], "shows the whole report"), (["--figure", "2"], "shows the whole report")):
            result = self.call("report", self.path("S"), "--watch", *options)
            self.assertEqual(result.returncode, 2)
            self.assertIn(words, result.stderr)
        taken = socket.socket()
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = self.call("report", self.path("S"), "--watch", "--port", str(taken.getsockname()[1]))
        self.assertEqual(result.returncode, 2)
        self.assertIn("give another --port", result.stderr)
        taken.close()


if __name__ == "__main__":
    unittest.main()
