"""The report in a real browser (Debian's chromium with chromium-driver; skipped without): folds, sliders and maps, at 1400
and 390 pixels, by keyboard, with the names that a screen reader says. IMPSWEEP_KEEP: a directory for pictures of it."""

import base64
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest
import urllib.error
import urllib.request

from sweep_harness import PROGRAM, SweepTest

JOB = """
[[sweep]]
tasks      = ["cartpole"]
algorithms = ["ppo"]
seeds      = 2
rounds     = 3
imp.prune_fraction = 0.5
network.hidden = [16]
rl.steps = 4096
eval.interval = 2048
eval.episodes = 3
eval.reevaluation_episodes = 5

[[sweep]]
tasks      = ["mazegrid"]
algorithms = ["ppo"]
baselines  = ["mask/weights"]
seeds      = 1
rounds     = 3
imp.prune_fraction = 0.8
network.hidden = [16]
rl.steps = 2048
eval.interval = 1024
eval.episodes = 2
eval.reevaluation_episodes = 2
"""
DRIVER, BROWSER = shutil.which("chromedriver"), shutil.which("chromium")
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key of references to elements in the WebDriver protocol
KEYS = {"Enter": "\ue007", "Tab": "\ue004", "Right": "\ue014", "End": "\ue010", "Space": " "}


class Browser:
    """A session of the WebDriver protocol."""

    def __init__(self):
        self.driver = subprocess.Popen([DRIVER, "--port=0"], stdout=subprocess.PIPE, text=True)
        for line in self.driver.stdout:
            if found := re.search(r"started successfully on port (\d+)", line):
                break
        self.address = f"http://127.0.0.1:{found[1]}/session"
        options = {"binary": BROWSER, "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]}
        session = self.call("POST", "", {"capabilities": {"alwaysMatch": {"goog:chromeOptions": options,
                                                                          "goog:loggingPrefs": {"browser": "ALL"}}}})
        self.address += "/" + session["sessionId"]

    def call(self, method, path, body=None):
        request = urllib.request.Request(self.address + path, method=method, headers={"Content-Type": "application/json"},
                                         data=None if body is None else json.dumps(body).encode())
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return json.loads(answer.read())["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(error.read().decode()) from error

    def open(self, address, width):
        self.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
            "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}})
        self.call("POST", "/url", {"url": address})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def all(self, selector):
        return [element[ELEMENT] for element in self.call("POST", "/elements", {"using": "css selector", "value": selector})]

    def ref(self, element):
        return {ELEMENT: element}

    def type(self, element, *keys):
        self.call("POST", f"/element/{element}/value", {"text": "".join(KEYS[key] for key in keys)})

    def name(self, element):
        return self.call("GET", f"/element/{element}/computedlabel")

    def role(self, element):
        return self.call("GET", f"/element/{element}/computedrole")

    def picture(self, file):
        shot = self.call("POST", "/goog/cdp/execute", {"cmd": "Page.captureScreenshot", "params": {
            "format": "png", "captureBeyondViewport": False}})
        pathlib.Path(file).write_bytes(base64.b64decode(shot["data"]))

    def close(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(30)
            self.driver.stdout.close()


@unittest.skipUnless(DRIVER and BROWSER, "no chromium and chromium-driver")
class Page(SweepTest):
    def setUp(self):
        super().setUp()
        self.expect(0, "run", self.write("small.toml", JOB), "--store", self.path("S"))
        self.browser = Browser()
        self.addCleanup(self.browser.close)

    def keep(self, name):
        if folder := os.environ.get("IMPSWEEP_KEEP"):
            self.browser.picture(pathlib.Path(folder) / f"{name}.png")

    def test_the_report(self):
        self.expect(0, "report", self.path("S"), "--output", self.path("out"))
        for width in (1400, 390):
            with self.subTest(width=width):
                self.check(f"file://{self.path('out')}/index.html", width)

    def check(self, address, width):
        browser = self.browser
        browser.open(address, width)
        self.keep(f"report-{width}")
        # Nothing is wider than the window, but what scrolls by itself.
        self.assertEqual(browser.run("return document.documentElement.scrollWidth"), width)
        wide = browser.run("""
            const inside = (element) => element.closest('.scroll, .chart, pre') !== null;
            return [...document.querySelectorAll('main *, nav *')].filter((element) => !inside(element) &&
              element.getBoundingClientRect().right > innerWidth + 1).map((element) => element.outerHTML.slice(0, 80));""")
        self.assertEqual(wide, [])
        self.assertEqual(browser.run("return document.documentElement.lang"), "en")
        self.assertEqual(len(browser.all("h1")), 1)
        levels = browser.run("return [...document.querySelectorAll('h1, h2, h3')].map((head) => Number(head.tagName[1]))")
        self.assertTrue(all(after <= before + 1 for before, after in zip(levels, levels[1:])), levels)

        # Links of the page lead somewhere, and are reached by Tab.
        self.assertEqual(browser.run("""return [...document.querySelectorAll('a[href^="#"]')].filter((link) =>
            !document.getElementById(link.getAttribute('href').slice(1))).map((link) => link.outerHTML)"""), [])
        browser.run("document.body.tabIndex = -1; document.body.focus()")
        self.assertEqual(browser.run("return document.querySelector('nav a').tabIndex"), 0)

        # Folds, by keyboard.
        folds = browser.all("details > summary")
        self.assertGreater(len(folds), 20)
        for fold in folds[:3]:
            is_open = "return arguments[0].parentElement.open"
            browser.run("arguments[0].scrollIntoView({block: 'center'})", browser.ref(fold))
            self.assertFalse(browser.run(is_open, browser.ref(fold)))
            browser.run("arguments[0].focus()", browser.ref(fold))
            self.assertTrue(browser.run("return document.activeElement === arguments[0]", browser.ref(fold)))
            self.press("Enter")
            self.assertTrue(browser.run(is_open, browser.ref(fold)))
            self.assertEqual(browser.run("return document.documentElement.scrollWidth"), width)
            self.assertGreater(len(browser.name(fold)), 3)
        self.keep(f"folds-{width}")
        self.press("Space")
        self.assertFalse(browser.run("return arguments[0].parentElement.open", browser.ref(folds[2])))

        # Sliders and the maps that they choose, by keyboard.
        sliders = browser.all(".slider input")
        self.assertGreater(len(sliders), 0)
        for slider in sliders:
            self.assertEqual(browser.role(slider), "slider")
            self.assertIn("round", browser.name(slider))
            of = "const box = arguments[0].closest('.slider'); "
            shown = of + "return [...box.querySelectorAll('.frame')].map((frame) => frame.offsetHeight > 0)"
            frames = browser.run(shown, browser.ref(slider))
            self.assertEqual(frames, [True] + [False] * (len(frames) - 1))
            label = of + "return box.querySelector('output').textContent"
            before = browser.run(label, browser.ref(slider))
            browser.run("arguments[0].scrollIntoView({block: 'center'}); arguments[0].focus()", browser.ref(slider))
            self.press("Right")
            self.assertEqual(browser.run(shown, browser.ref(slider))[:2], [False, True])
            after = browser.run(label, browser.ref(slider))
            self.assertNotEqual(after, before)
            self.assertEqual(browser.run("return arguments[0].getAttribute('aria-valuetext')", browser.ref(slider)), after)
            self.press("End")
            self.assertEqual(browser.run(shown, browser.ref(slider)), [False] * (len(frames) - 1) + [True])
        self.keep(f"map-{width}")

        # What a screen reader says of pictures and tables.
        charts = browser.all(".chart svg")
        self.assertGreater(len(charts), 5)
        visible = [chart for chart in charts if browser.run("return arguments[0].getBoundingClientRect().height > 0",
                                                            browser.ref(chart))]
        for chart in visible[:12]:
            self.assertIn(browser.role(chart), ("image", "img", "graphics-document"))
            self.assertGreater(len(browser.name(chart)), 3)
        self.assertEqual(browser.run("return [...document.querySelectorAll('table')].filter((table) => "
                                     "!table.querySelector('th')).length"), 0)
        self.assertEqual([entry for entry in browser.call("POST", "/se/log", {"type": "browser"})
                          if entry["level"] == "SEVERE"], [])

    def press(self, key):
        """On what has the focus, as a person does."""
        self.browser.call("POST", "/actions", {"actions": [{"type": "key", "id": "keyboard", "actions": [
            {"type": "keyDown", "value": KEYS[key]}, {"type": "keyUp", "value": KEYS[key]}]}]})

    def test_the_served_report_renews_itself_and_stays_as_it_was(self):
        server = subprocess.Popen([PROGRAM, "report", self.path("S"), "--watch", "--every", "0.5s"], stdout=subprocess.PIPE,
                                  text=True, env=self.environment)
        self.addCleanup(server.stdout.close)
        self.addCleanup(server.wait)
        self.addCleanup(lambda: server.poll() is None and server.kill())
        browser = self.browser
        browser.open(server.stdout.readline().strip(), 1400)
        self.assertEqual(browser.run("return version"), "1")
        note = browser.all("[role=status]")
        self.assertEqual(len(note), 1)
        browser.run("document.querySelectorAll('details')[1].open = true;"
                    "const slider = document.querySelector('.slider input'); slider.value = 1;"
                    "slider.dispatchEvent(new Event('input')); scrollTo(0, 400)")
        self.expect(0, "run", self.write("more.toml", JOB.replace("seeds      = 2", "seeds      = 3")), "--store",
                    self.path("S"))
        end = time.monotonic() + 120
        while time.monotonic() < end and browser.run("return version") == "1":
            time.sleep(0.5)
        self.assertNotEqual(browser.run("return version"), "1")
        self.assertEqual(browser.run("return [...document.querySelectorAll('details')].map((fold) => fold.open).slice(0, 3)"),
                         [False, True, False])
        self.assertEqual(browser.run("return document.querySelector('.slider input').value"), "1")
        self.assertEqual(browser.run("return scrollY"), 400)
        self.keep("served-1400")
        server.send_signal(signal.SIGINT)
        self.assertEqual(server.wait(60), 0)
        end = time.monotonic() + 30
        while time.monotonic() < end and "has ended" not in browser.run(
                "return document.querySelector('[role=status]').textContent"):
            time.sleep(0.5)
        self.assertIn("has ended", browser.run("return document.querySelector('[role=status]').textContent"))


if __name__ == "__main__":
    unittest.main()
