"""Stands in for the package gymnasium in tests: as much of it as a worker asks for, with one environment in the registry,
LineWalk-v0. It has the genuine one's names and rules, and nothing of its text."""

import types

import numpy

from . import spaces

__version__ = "1.4.0"
logger = types.SimpleNamespace(min_level=0, ERROR=40)


class Env:
    spec = None
    _generator = None

    @property
    def unwrapped(self):
        return self

    @property
    def np_random(self):
        if self._generator is None:
            self._generator = numpy.random.default_rng()
        return self._generator

    def reset(self, *, seed=None, options=None):
        if seed is not None:
            self._generator = numpy.random.default_rng(seed)

    def close(self):
        pass


class Wrapper(Env):
    def __init__(self, env):
        self.env = env

    def __getattr__(self, name):
        return getattr(self.env, name)

    @property
    def unwrapped(self):
        return self.env.unwrapped

    @property
    def spec(self):
        return self.env.spec

    def reset(self, **options):
        return self.env.reset(**options)

    def step(self, action):
        return self.env.step(action)

    def close(self):
        self.env.close()


class TimeLimit(Wrapper):
    def __init__(self, env, max_episode_steps):
        super().__init__(env)
        self._max_episode_steps = max_episode_steps

    def reset(self, **options):
        self._elapsed = 0
        return self.env.reset(**options)

    def step(self, action):
        observation, reward, terminated, truncated, info = self.env.step(action)
        self._elapsed += 1
        return observation, reward, terminated, truncated or self._elapsed >= self._max_episode_steps, info


class Negative(Wrapper):
    """An observation with the other sign."""

    def reset(self, **options):
        observation, info = self.env.reset(**options)
        return -observation, info

    def step(self, action):
        observation, *rest = self.env.step(action)
        return -observation, *rest


wrappers = types.SimpleNamespace(TimeLimit=TimeLimit, Negative=Negative)


class LineWalk(Env):
    """A walk on a line; its end on the right pays 1."""

    action_space = spaces.Discrete(2)

    def __init__(self, length=4):
        self.length = length
        self.observation_space = spaces.Box(-1, 1, (2,), numpy.float32)

    def look(self):
        return numpy.array([self.place / self.length, self.steps / 50], numpy.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.place, self.steps = int(self.np_random.integers(-2, 3)), 0
        return self.look(), {}

    def step(self, action):
        self.place += 1 if action == 1 else -1
        self.steps += 1
        return self.look(), float(self.place == self.length), abs(self.place) == self.length, False, {}


registry = {"LineWalk-v0": types.SimpleNamespace(id="LineWalk-v0", entry_point=LineWalk, max_episode_steps=50)}


class NameNotFound(Exception):
    pass


def make(name, max_episode_steps=None, disable_env_checker=None, **options):
    if name not in registry:
        raise NameNotFound(f"Environment `{name}` doesn't exist.")
    spec = registry[name]
    environment = spec.entry_point(**options)
    environment.spec = spec
    return TimeLimit(environment, max_episode_steps or spec.max_episode_steps)
