"""Spaces, and how they become flat rows of numbers."""

import numpy


class Space:
    def __repr__(self):
        return f"{type(self).__name__}({self.text})"

    def __eq__(self, other):
        return repr(self) == repr(other)


class Box(Space):
    def __init__(self, low, high, shape, dtype=numpy.float32):
        self.shape, self.dtype = tuple(shape), numpy.dtype(dtype)
        self.low, self.high = numpy.full(shape, low, dtype), numpy.full(shape, high, dtype)
        self.text = f"{low}, {high}, {self.shape}, {self.dtype}"

    def sample(self):
        return self.low.copy()


class Discrete(Space):
    shape, dtype = (), numpy.dtype("int64")

    def __init__(self, n, start=0):
        self.n, self.start, self.text = n, start, f"{n}" + (f", start={start}" if start else "")

    def sample(self):
        return self.start


class MultiDiscrete(Space):
    dtype = numpy.dtype("int64")

    def __init__(self, nvec):
        self.nvec = numpy.array(nvec)
        self.shape, self.text = self.nvec.shape, str(list(nvec))

    def sample(self):
        return numpy.zeros(self.shape, "int64")


class MultiBinary(Space):
    dtype = numpy.dtype("int8")

    def __init__(self, n):
        self.shape, self.text = (n,), str(n)

    def sample(self):
        return numpy.zeros(self.shape, "int8")


class Dict(Space):
    def __init__(self, spaces):
        self.spaces, self.text = dict(sorted(spaces.items())), str(dict(sorted(spaces.items())))

    def sample(self):
        return {key: space.sample() for key, space in self.spaces.items()}


class Tuple(Space):
    def __init__(self, spaces):
        self.spaces, self.text = tuple(spaces), ", ".join(map(repr, spaces))

    def sample(self):
        return tuple(space.sample() for space in self.spaces)


class Text(Space):
    def __init__(self, max_length):
        self.text = str(max_length)


class Sequence(Space):
    def __init__(self, space):
        self.text = repr(space)


class Graph(Sequence):
    pass


class OneOf(Sequence):
    pass


def flatten(space, value):
    if isinstance(space, Discrete):
        return (numpy.arange(space.n) == value - space.start).astype("int64")
    if isinstance(space, MultiDiscrete):
        return numpy.concatenate([numpy.arange(n) == x for n, x in zip(space.nvec, value)]).astype("int64")
    if isinstance(space, Dict):
        return numpy.concatenate([flatten(part, value[key]) for key, part in space.spaces.items()])
    if isinstance(space, Tuple):
        return numpy.concatenate([flatten(part, one) for part, one in zip(space.spaces, value)])
    return numpy.asarray(value, space.dtype).reshape(-1)
