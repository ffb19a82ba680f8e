"""The rules of rlpyt's AtariEnv once more, by ALE's Python interface and numpy alone, each game on a new console.

Nothing of the engine is used here.

    atari_reference.py GAME [no-lives] [no-clip] [fire] [horizon=STEPS] < PLAN

The first line of PLAN holds the numbers of no-ops at the starts of games, the second the actions, as places in the
minimal set. Prints a line for the first observation of each game and for each step: the CRC-32 of the observation
(float32, [image][row][column]), reward, end of the episode, end of the game.
"""

import importlib.util
import os
import sys
import zlib

import numpy

PACKAGE = importlib.util.find_spec("ale_py").submodule_search_locations[0]
sys.path.append(PACKAGE)
import _ale_py as ale  # by itself: ale_py 0.11 needs Gymnasium

NOOP, FIRE, UP = 0, 1, 2


class Game:
    def __init__(self, name, lives, clip, fire, horizon):
        folder = os.environ.get("ALE_ROMS_DIR") or os.path.join(PACKAGE, "roms")
        ale.ALEInterface.setLoggerMode(ale.LoggerMode.Error)
        self.rom = os.path.join(folder, name + ".bin")
        self.load()
        self.codes = [action.value for action in self.ale.getMinimalActionSet()]
        self.episodic, self.clip, self.fire, self.horizon = lives, clip, fire, horizon
        self.raw = numpy.zeros((2, 210, 160), dtype=numpy.uint8)

    def load(self):
        self.ale = ale.ALEInterface()
        self.ale.setFloat("repeat_action_probability", 0.0)
        self.ale.setInt("random_seed", 17)
        self.ale.loadROM(self.rom)

    def act(self, code):
        return self.ale.act(ale.Action(code))

    def clear(self):
        self.images = [numpy.zeros((104, 80), dtype=numpy.uint8)] * 4
        self.raw[:] = 0

    def push(self):
        self.raw[1] = self.ale.getScreenGrayscale()
        picture = self.raw.max(axis=0)[1:-1].astype(numpy.uint16)
        blocks = picture.reshape(104, 2, 80, 2).sum(axis=(1, 3))
        self.images = self.images[1:] + [((blocks + 2) // 4).astype(numpy.uint8)]

    def observation(self):
        return numpy.stack(self.images).astype(numpy.float32) * numpy.float32(1.0 / 255)

    def wait_and_count(self):
        self.act(NOOP)
        self.left = self.ale.lives()

    def reset(self, noops):
        self.load()  # a reset alone leaves traces of the game before, in Seaquest for one
        self.ale.reset_game()
        self.clear()
        self.wait_and_count()
        for _ in range(noops):
            self.act(NOOP)
        if self.fire:
            for code in (FIRE, UP):
                if code in self.codes:
                    self.act(code)
        self.push()
        self.steps = 0

    def step(self, place):
        code = self.codes[place]
        score = sum(self.act(code) for _ in range(3))
        self.raw[0] = self.ale.getScreenGrayscale()
        score += self.act(code)
        lost = 0 < self.ale.lives() < self.left
        if lost:
            self.wait_and_count()
            if self.episodic:
                self.clear()
        self.push()
        end = self.ale.game_over() or self.steps >= self.horizon
        self.steps += 1
        return (numpy.sign(score) if self.clip else score), end or (lost and self.episodic), end


def main():
    words = set(sys.argv[2:])
    horizon = next((int(word[8:]) for word in words if word.startswith("horizon=")), 27000)
    game = Game(sys.argv[1], "no-lives" not in words, "no-clip" not in words, "fire" in words, horizon)
    noops = iter(map(int, sys.stdin.readline().split()))
    actions = map(int, sys.stdin.readline().split())

    def report(reward, done, end):
        print(zlib.crc32(game.observation().tobytes()), int(reward), int(done), int(end))

    game.reset(next(noops))
    report(0, False, False)
    for action in actions:
        reward, done, end = game.step(action)
        report(reward, done, end)
        if end:
            game.reset(next(noops))
            report(0, False, False)


main()
