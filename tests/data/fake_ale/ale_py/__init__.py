"""A stand-in for the package ale_py, as small as the tests allow.

A ROM is a text file with the name of its game. Frame n after the last reset scores n % 3, and its screen is full of
(n + 10 * action + 100 * resets) % 256, so that what follows a reset depends on what came before unless a state is
restored. Three lives, of which
every 40 frames take one. The environment variables FAKE_ALE_... let it misbehave.
"""

import os
import sys
import time

__version__ = os.environ.get("FAKE_ALE_VERSION", "0.12.1")

print("the stand-in writes to standard output")  # which is not where replies go


class LoggerMode:
    Error = 2


class Action:
    def __init__(self, value):
        self.value = value


class ALEInterface:
    def __init__(self):
        self.settings = {}
        self.frame = self.resets = self.shade = 0

    @staticmethod
    def setLoggerMode(mode):
        assert mode == LoggerMode.Error

    @staticmethod
    def isSupportedROM(path):
        with open(path, encoding="utf-8") as file:
            return file.read().strip() or None

    def setInt(self, key, value):
        self.settings[key] = value

    setFloat = setInt

    def loadROM(self, path):
        assert self.isSupportedROM(path)
        assert self.settings == {"random_seed": 0, "repeat_action_probability": 0.0, "frame_skip": 1}

    def getScreenDims(self):
        return tuple(map(int, os.environ.get("FAKE_ALE_SCREEN", "210 160").split()))

    def getMinimalActionSet(self):
        return [Action(int(code)) for code in os.environ.get("FAKE_ALE_ACTIONS", "0 1 3 4").split()]

    def getScreenGrayscale(self, screen):
        assert screen.shape == (210, 160)
        screen.cast("B")[:] = bytes([self.shade]) * (210 * 160)

    def reset_game(self):
        self.frame = 0
        self.resets += 1

    def act(self, action):
        if self.game_over():
            return 0
        self.frame += 1
        self.shade = (self.frame + 10 * action + 100 * self.resets) % 256
        if str(self.frame) == os.environ.get("FAKE_ALE_DIES_AT"):
            print("these are the last words", file=sys.stderr, flush=True)
            os._exit(3)
        if str(self.frame) == os.environ.get("FAKE_ALE_RAISES_AT"):
            raise RuntimeError("a fault of the emulator")
        if str(self.frame) == os.environ.get("FAKE_ALE_HANGS_AT"):
            time.sleep(3600)
        return self.frame % 3

    def lives(self):
        return max(0, 3 - self.frame // 40)

    def game_over(self):
        return self.lives() == 0

    def cloneState(self, include_rng=False):
        assert include_rng
        return self.frame, self.resets, self.shade

    def restoreState(self, state):
        self.frame, self.resets, self.shade = state
