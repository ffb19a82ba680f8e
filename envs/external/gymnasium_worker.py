"""The client of envs/external/worker.py that plays environments of Gymnasium: those of a package, or a class in a file.

Argument: JSON of what to play (keys in Task below). The greeting describes the task: spaces, sizes, versions. Then
requests come as texts, all but the frequent ones: to step and to reset lanes, which lie in the shared memory
(class Lanes) and are rung for. Each lane is an object of its own, stepped alone: vector classes
insert steps or lose the last observation of an episode.
"""

import array
import ast
import hashlib
import importlib
import importlib.util
import json
import math
import mmap
import platform
import random
import re
import statistics
import time
import traceback
import warnings

OLDEST_VERSION = (1, 0)
MOST_INPUTS, MOST_ACTIONS = 65535, 65535  # places in a layer are kept in 16 bits
KEPT_MESSAGE = 6000  # characters of a traceback
STATISTICS = ("NormalizeObservation", "NormalizeReward")  # go on from episode to episode
# Loaded with environments, and without effect on what they compute.
WITHOUT_BEARING = ("OpenGL", "glfw", "imageio", "pygame", "PIL", "moviepy", "matplotlib", "packaging", "typing_extensions")
STEP, RESET, TALK = 0, 1, 2  # operations
HEADER = struct.Struct("<IIII")  # operation, columns, 1 if the answer is an error, sign of life
NO_SEED = -1  # of a reset: goes on with the generator that there is
NO_RESET = -2  # as the seed of a step: the lane is left as it is if its episode ends

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")


def load_gymnasium():
    try:
        import gymnasium
    except ImportError as error:
        raise Unusable(f"{interpreter()} cannot import gymnasium: {error}")
    version = re.match(r"(\d+)\.(\d+)", gymnasium.__version__)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_VERSION:
        raise Unusable(f"{interpreter()} has gymnasium {gymnasium.__version__}, which is too old")
    gymnasium.logger.min_level = gymnasium.logger.ERROR
    return gymnasium


def silence_mujoco():
    """Its warnings at the making of a robot, and the file in the working directory that they are written to."""
    if "mujoco" in sys.modules:
        sys.modules["mujoco"].set_mju_user_warning(lambda text: None)


def last_words(error):
    """The traceback without the lines of this program; of errors that Gymnasium explains itself, the explanation."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith("<")]
    if type(error).__module__ == "gymnasium.error":
        frames = []
    text = "".join(traceback.format_list(frames)) + "".join(traceback.format_exception_only(type(error), error))
    if len(text) > KEPT_MESSAGE:
        text = text[: KEPT_MESSAGE // 2] + " ... " + text[-KEPT_MESSAGE // 2 :]
    return ("Traceback (most recent call last):\n" if frames else "") + text.rstrip()


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()[:32]


def load_class(path, name, expected):
    """The class in the file, and the digests of the file and of what it loads from its folder. Nothing runs if a digest
    is not the expected one."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isfile(path):
        raise Unusable(f"there is no Python file {path}")
    for file, wanted in expected.items():
        try:
            found = digest(os.path.join(folder, file))
        except OSError as error:
            found = error.strerror
        if found != wanted:
            raise Unusable(
                f"{os.path.join(folder, file)} has changed: its digest is {found}, and the trainings are planned for "
                f"{wanted}; bring that file back, or train the new one in another store or under another class name"
            )
    before = set(sys.modules)
    sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(os.path.splitext(os.path.basename(path))[0], path)
    if spec is None:
        raise Unusable(f"{path} is no Python file: its name must end with .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        raise Unusable(f"{path} cannot be loaded by {interpreter()}: {last_words(error)}")
    if not hasattr(module, name):
        raise Unusable(f"{path} has no class {name}")
    files = {os.path.basename(path): digest(path)}
    for other in set(sys.modules) - before:
        file = getattr(sys.modules[other], "__file__", None)
        if file and os.path.abspath(file).startswith(folder + os.sep) and file.endswith(".py"):
            relative = os.path.relpath(os.path.abspath(file), folder)
            if "site-packages" not in relative:
                files[relative] = digest(file)
    return getattr(module, name), files


def libm():
    """Version of the C library, and a digest of its functions' bits, which are others where the processor lacks AVX2 or FMA."""
    functions = (math.sin, math.cos, math.tan, math.exp, math.log, math.atan, lambda number: math.pow(number, 1.3))
    numbers = [0.37 + 0.173 * i for i in range(1000)]
    content = b"".join(struct.pack("<1000d", *map(function, numbers)) for function in functions)
    return f"{platform.libc_ver()[1]} {hashlib.sha256(content).hexdigest()[:8]}".strip()


class Task:
    """What is played: how an object of it is made, and how its observations become numbers."""

    def __init__(self, gymnasium, wanted):
        self.gymnasium = gymnasium
        self.wanted = wanted
        self.kwargs = wanted["kwargs"]
        self.max_steps = wanted["max_steps"]
        self.files = {}
        self.imported_before = set(sys.modules)
        if "file" in wanted:
            self.made_by, self.files = load_class(wanted["file"], wanted["class"], wanted["files"])
        elif "mujoco" in str(getattr(gymnasium.registry.get(wanted["id"]), "entry_point", "")):
            try:
                import mujoco  # before it is loaded in the making of the first robot
            except ImportError:
                pass  # which says what is missing
        silence_mujoco()
        self.wrappers = [self.find_wrapper(text) for text in wanted["wrappers"]]

    def find_wrapper(self, text):
        """Name, Name(option=value) or module:Name."""
        match = re.fullmatch(r"(?:([\w.]+):)?(\w+)(\(.*\))?", text)
        if match is None:
            raise Unusable(f"the wrapper '{text}' is neither Name, Name(option=value) nor module:Name")
        module, name, options = match.groups()
        if module is None and name in STATISTICS:
            raise Unusable(
                f"the wrapper {name} keeps statistics that no checkpoint holds; use ppo.obs_norm and ppo.reward_norm"
            )
        try:
            place = importlib.import_module(module) if module else self.gymnasium.wrappers
            found = getattr(place, name)
            call = ast.parse("f" + (options or "()"), mode="eval").body
            given = {keyword.arg: ast.literal_eval(keyword.value) for keyword in call.keywords}
            if call.args:
                raise ValueError("options are given by name")
        except (ImportError, AttributeError, SyntaxError, ValueError) as error:
            raise Unusable(f"the wrapper '{text}' cannot be had: {error}")
        return lambda environment: found(environment, **given)

    def make(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if self.files:
                environment = self.made_by(**self.kwargs)
                if self.max_steps > 0:
                    environment = self.gymnasium.wrappers.TimeLimit(environment, self.max_steps)
            else:
                limit = {"max_episode_steps": self.max_steps} if self.max_steps > 0 else {}
                environment = self.gymnasium.make(
                    self.wanted["id"], disable_env_checker=True, **limit, **self.kwargs
                )
            for wrap in self.wrappers:
                environment = wrap(environment)
        return environment

    def limit(self, environment):
        """Steps after which a TimeLimit ends episodes; 0: there is none."""
        while True:
            steps = getattr(environment, "_max_episode_steps", None)
            if isinstance(steps, int):
                return max(steps, 0)
            if not hasattr(environment, "env"):
                return 0
            environment = environment.env

    def packages(self):
        """Versions of what decides the bits: numpy, gymnasium, and what the environment has loaded besides."""
        found = {"gymnasium": self.gymnasium.__version__, "libm": libm()}
        for name in {name.split(".")[0] for name in set(sys.modules) - self.imported_before} | {"numpy"}:
            module = sys.modules.get(name)
            version, file = getattr(module, "__version__", None), getattr(module, "__file__", None)
            if isinstance(version, str) and re.search("(site|dist)-packages", file or "") and name not in WITHOUT_BEARING:
                found.setdefault(name.lower(), version)
        return found


class Rows:
    """How an observation becomes a row of numbers."""

    def __init__(self, gymnasium, numpy, space):
        spaces = gymnasium.spaces
        self.numpy, self.space = numpy, space
        refuse_unsized(spaces, space, space)
        self.size = flat_size(spaces, space)
        if not 1 <= self.size <= MOST_INPUTS:
            raise Unusable(f"its observations, {short(space)}, are {self.size} numbers, and 1 to {MOST_INPUTS} are possible")
        self.kind = "flat"
        if isinstance(space, (spaces.Box, spaces.MultiBinary)):
            self.kind, self.dtype, self.shape = "box", space.dtype, space.shape
            if self.dtype == numpy.float16:
                self.dtype = numpy.dtype("float32")
        elif isinstance(space, spaces.Discrete):
            self.kind, self.dtype, self.start = "index", numpy.dtype("int64"), int(space.start)
        else:
            self.flatten = spaces.flatten
            self.dtype = numpy.asarray(spaces.flatten(space, space.sample())).dtype
        if self.dtype.kind not in "fiub" or self.dtype.itemsize > 8:
            raise Unusable(f"its observations, {short(space)}, are of type {self.dtype}, which are no numbers")
        self.bytes = (1 if self.kind == "index" else self.size) * self.dtype.itemsize

    def row(self, observation):
        """Its bytes, a copy. Raises ValueError with what is wrong with it."""
        numpy = self.numpy
        if self.kind == "box":
            if type(observation) is not numpy.ndarray or observation.dtype is not self.dtype:
                observation = numpy.asarray(observation)
                if observation.dtype.kind not in "fiub":
                    raise ValueError(f"the observation is {observation.dtype}, and no numbers")
                if observation.shape == self.shape:
                    observation = observation.astype(self.dtype)
            if observation.shape != self.shape:
                raise ValueError(f"the observation has shape {observation.shape}, the space says {self.shape}")
            return observation.tobytes()
        if self.kind == "index":
            index = int(observation) - self.start
            if not 0 <= index < self.size or index + self.start != observation:
                raise ValueError(f"the observation {observation!r} is not in {self.space}")
            return index.to_bytes(8, "little")
        flat = numpy.asarray(self.flatten(self.space, observation))
        if flat.shape != (self.size,):
            raise ValueError(f"the observation has {flat.size} numbers, its space {self.size}")
        return flat.astype(self.dtype).tobytes()


def short(space):
    text = " ".join(str(space).split())
    return text if len(text) <= 300 else text[:297] + "..."


def refuse_unsized(spaces, space, whole):
    if isinstance(space, (spaces.Sequence, spaces.Graph, spaces.Text, spaces.OneOf)):
        raise Unusable(
            f"its observation space {short(whole)} holds a {type(space).__name__}, which has no fixed number of inputs; "
            "Box, Discrete, MultiDiscrete, MultiBinary, Dict and Tuple have"
        )
    if isinstance(space, (spaces.Dict, spaces.Tuple)):
        for part in space.spaces.values() if isinstance(space, spaces.Dict) else space.spaces:
            refuse_unsized(spaces, part, whole)
    elif not isinstance(space, (spaces.Box, spaces.Discrete, spaces.MultiDiscrete, spaces.MultiBinary)):
        raise Unusable(f"its observation space {short(whole)} is of a kind that is not known here")


def flat_size(spaces, space):
    """By arithmetic: nothing is allocated for it."""
    if isinstance(space, spaces.Dict):
        return sum(flat_size(spaces, part) for part in space.spaces.values())
    if isinstance(space, spaces.Tuple):
        return sum(flat_size(spaces, part) for part in space.spaces)
    if isinstance(space, spaces.Discrete):
        return int(space.n)
    if isinstance(space, spaces.MultiDiscrete):
        return sum(int(n) for n in space.nvec.flat)
    return math.prod(int(n) for n in space.shape)


def input_names(spaces, space, name=""):
    """What the numbers of a flat observation are called, as far as the space knows."""
    if isinstance(space, spaces.Dict):
        return [text for key, part in space.spaces.items() for text in input_names(spaces, part, f"{name}{key} ")]
    if isinstance(space, spaces.Tuple):
        return [text for i, part in enumerate(space.spaces) for text in input_names(spaces, part, f"{name}{i} ")]
    if isinstance(space, spaces.Discrete):
        return [f"{name}is {int(space.start) + i}" for i in range(int(space.n))]
    if isinstance(space, spaces.MultiDiscrete):
        return [f"{name}{i} is {j}" for i, n in enumerate(space.nvec.flat) for j in range(int(n))]
    size = math.prod(space.shape)
    return [name.strip()] if size == 1 and name else [f"{name}{i}" for i in range(size)]


def names_of(environment, spaces, space, size):
    structure = getattr(environment.unwrapped, "observation_structure", None)
    if isinstance(structure, dict) and isinstance(space, spaces.Box):
        names = [f"{part} {i}" for part, count in structure.items() if isinstance(count, int) for i in range(count)]
        names = [name for name in names if not name.startswith("skipped_")]
        if len(names) == size:
            return names
    return input_names(spaces, space)


class Actions:
    """How the numbers of a policy become an action."""

    def __init__(self, gymnasium, numpy, space, mode):
        spaces = gymnasium.spaces
        self.numpy, self.space, self.start = numpy, space, 0
        self.continuous = isinstance(space, spaces.Box)
        if isinstance(space, spaces.Discrete):
            self.count, self.start = int(space.n), int(space.start)
        elif self.continuous and space.dtype.kind == "f":
            self.count = math.prod(int(n) for n in space.shape)
        else:
            raise Unusable(
                f"its action space is {short(space)}; agents here act in Discrete spaces and in Box spaces of real numbers"
            )
        if not 1 <= self.count <= MOST_ACTIONS:
            raise Unusable(f"its action space {short(space)} has {self.count} actions, and 1 to {MOST_ACTIONS} are possible")
        if not self.continuous:
            return
        self.low, self.high = space.low.reshape(-1), space.high.reshape(-1)
        if mode == "scale" and not (numpy.isfinite(self.low).all() and numpy.isfinite(self.high).all()):
            raise Unusable(f"gymnasium.actions = \"scale\" needs bounds, and its action space is {short(space)}; use \"clip\"")

    def actions(self, numbers):
        """One for each row of float32 [columns][actions], which lie within the bounds as float32 and stay the caller's."""
        own = numbers.astype(self.space.dtype)
        if self.space.dtype != self.numpy.float32:
            self.numpy.clip(own, self.low, self.high, out=own)
        return list(own.reshape(-1, *self.space.shape))


def describe(task, environment, rows, actions):
    spaces = task.gymnasium.spaces

    def bounds(values):
        return [float(value) if math.isfinite(value) else None for value in values]

    found = {
        "packages": task.packages(),
        "files": task.files,
        "interpreter": interpreter(),
        "spaces": {
            "observation": short(environment.observation_space),
            "action": short(environment.action_space),
            "inputs": rows.size,
            "row": rows.kind,
            "type": rows.dtype.str,
            "actions": actions.count,
            "continuous": actions.continuous,
            "max_steps": task.limit(environment),
        },
        "names": names_of(environment, spaces, environment.observation_space, rows.size),
    }
    if rows.kind == "index":
        found["spaces"]["first"] = rows.start
    if actions.start:
        found["spaces"]["first_action"] = actions.start
    if actions.continuous:
        found["spaces"]["low"], found["spaces"]["high"] = bounds(actions.low), bounds(actions.high)
    if environment.spec is not None and not task.files:
        found["id"] = environment.spec.id
    return json.dumps(found)


def number(value):
    """A reward as a float. Raises ValueError for what is none."""
    if isinstance(value, (bool, int, float)):
        return float(value)
    if value is None or getattr(value, "shape", ()) != () or isinstance(value, str):
        raise ValueError(f"the reward is {value!r}, which is no number")
    return float(value)


class Lanes:
    """The objects, and the requests that come by the shared memory. Layout: header; columns of lanes (uint32) and of
    seeds (int64); actions, int64 [column] or float32 [column][actions]; rewards (float64) and flags (uint8: 1
    terminated, 2 truncated) by column; rows by column; first rows of next episodes by lane. Each part begins at a multiple
    of 64 bytes. The sign of life is 1 + the lane that is stepped or reset, and in a reset after a step the number of lanes
    more."""

    def __init__(self, task, count, fresh_objects):
        import numpy

        self.numpy, self.task, self.fresh = numpy, task, fresh_objects
        self.environments = [task.make() for _ in range(count)]
        first = self.environments[0]
        self.rows = Rows(task.gymnasium, numpy, first.observation_space)
        self.actions = Actions(task.gymnasium, numpy, first.action_space, task.wanted["actions"])
        self.spaces = [(first.observation_space, first.action_space)] * count  # by lane, as last seen
        self.used = [False] * count
        self.steps = [environment.step for environment in self.environments]
        self.floats = {float, numpy.float64}
        if "memory" in task.wanted:
            self.lay_out(count)

    def lay_out(self, count):
        memory = memoryview(mmap.mmap(MEMORY, self.task.wanted["memory"]))
        place = 64

        def part(size, form):
            nonlocal place
            begin, place = place, (place + size + 63) // 64 * 64
            return memory[begin : begin + size].cast(form) if form else memory[begin : begin + size]

        self.header = memory[:16].cast("I")
        self.lane_of = part(4 * count, "I")
        self.seed_of = part(8 * count, "q")
        if self.actions.continuous:
            content = part(4 * count * self.actions.count, "f")
            self.given = self.numpy.frombuffer(content, self.numpy.float32).reshape(count, -1)
        else:
            self.given = part(8 * count, "q")
        self.rewards = part(8 * count, "d")
        self.flags = part(count, "B")
        self.row_bytes = part(count * self.rows.bytes, None)
        self.first_rows = part(count * self.rows.bytes, None)

    def step(self, columns):
        """All but the checks that nearly always hold is done at once for all columns. What has ended begins again, and
        its first observation lies beside the last one."""
        header, rows, steps, floats = self.header, self.rows, self.steps, self.floats
        is_box, shape, dtype, ndarray = rows.kind == "box", getattr(rows, "shape", None), rows.dtype, self.numpy.ndarray
        if self.actions.continuous:
            actions = self.actions.actions(self.given[:columns])
        elif self.actions.start:
            actions = [index + self.actions.start for index in self.given[:columns].tolist()]
        else:
            actions = self.given[:columns].tolist()
        lanes = self.lane_of[:columns].tolist()
        content, rewards, flags, ended = [], [], bytearray(columns), []
        for lane, action in zip(lanes, actions):
            header[3] = lane + 1
            result = steps[lane](action)
            try:
                observation, reward, terminated, truncated, _ = result
            except (TypeError, ValueError):
                raise ValueError(
                    f"step() returned {returned(result)}, and not (observation, reward, terminated, truncated, info)"
                    + (": gym is not gymnasium" if isinstance(result, tuple) and len(result) == 4 else "")
                ) from None
            if terminated or truncated:
                flags[len(content)] = (1 if terminated else 0) | (2 if truncated else 0)
                ended.append(len(content))
            if is_box and type(observation) is ndarray and observation.dtype is dtype and observation.shape == shape:
                content.append(observation.tobytes())
            else:
                content.append(rows.row(observation))
            rewards.append(reward if type(reward) in floats else number(reward))
        self.rewards[:columns] = memoryview(array.array("d", rewards))
        self.flags[:columns] = flags
        whole = b"".join(content)
        self.row_bytes[: len(whole)] = whole
        for column in ended:
            if self.seed_of[column] != NO_RESET:
                lane = lanes[column]
                header[3] = len(steps) + lane + 1
                self.first_rows[lane * rows.bytes : (lane + 1) * rows.bytes] = rows.row(
                    self.reset_lane(lane, self.seed_of[column])
                )

    def reset(self, columns):
        size = self.rows.bytes
        for column in range(columns):
            lane, seed = self.lane_of[column], self.seed_of[column]
            self.header[3] = lane + 1
            row = self.rows.row(self.reset_lane(lane, seed))
            self.row_bytes[column * size : (column + 1) * size] = row

    def reset_lane(self, lane, seed):
        if self.fresh and self.used[lane] and seed != NO_SEED:
            self.environments[lane].close()
            self.environments[lane] = self.task.make()
            self.steps[lane] = self.environments[lane].step
        self.used[lane] = True
        environment = self.environments[lane]
        result = environment.reset() if seed == NO_SEED else environment.reset(seed=seed)
        if not isinstance(result, tuple) or len(result) != 2:
            raise ValueError(f"reset() returned {returned(result)}, and not (observation, info)")
        self.check_spaces(lane)
        return result[0]

    def check_spaces(self, lane):
        """Comparing two spaces takes longer than many a step: only objects that were not seen yet are compared."""
        found = self.environments[lane].observation_space, self.environments[lane].action_space
        for space, known in zip(found, self.spaces[lane]):
            if space is not known and space != known:
                raise ValueError(f"its space was {short(known)} and is {short(space)} after reset()")
        self.spaces[lane] = found

    def generator(self, lane):
        """The state of its generator, PCG64: state, increment, and the half word that is left over."""
        generator = self.environments[lane].unwrapped.np_random.bit_generator
        if type(generator).__name__ != "PCG64":
            return type(generator).__name__
        state = generator.state
        return "{:032x} {:032x} {} {:08x}".format(
            state["state"]["state"], state["state"]["inc"], state["has_uint32"], state["uinteger"]
        )

    def close(self):
        for environment in self.environments:
            try:
                environment.close()
            except BaseException:
                pass  # it is not needed any more

    def serve(self):
        one = (1).to_bytes(8, "little")
        step, reset = self.step, self.reset
        header = self.header
        while True:
            os.read(REQUEST_BELL, 8)
            operation, columns = header[0], header[1]
            try:
                if operation == STEP:
                    step(columns)
                elif operation == RESET:
                    reset(columns)
                else:
                    self.talk(columns)
                header[2] = 0
                os.write(ANSWER_BELL, one)
            except (Exception, SystemExit) as error:
                header[2] = 1
                os.write(ANSWER_BELL, one)
                send_text(last_words(error))

    def talk(self, question):
        """Rare requests, answered by a text."""
        if question == 0:
            self.close()
            os._exit(0)
        send_text(self.generator(question - 1))


def returned(result):
    return f"a tuple of {len(result)}" if isinstance(result, tuple) else f"a {type(result).__name__}"


class SelfTest:
    """Whether equal seeds and actions give equal episodes."""

    SECONDS, MOST_STEPS, LEAST_STEPS, REPEATS = 4.0, 400, 20, 8

    def __init__(self, lanes):
        self.lanes = lanes

    def actions(self, seed):
        actions, chance = self.lanes.actions, random.Random(seed)
        if not actions.continuous:
            return lambda: actions.start + chance.randrange(actions.count)
        numpy = self.lanes.numpy
        low, high = numpy.maximum(actions.low, -1), numpy.minimum(actions.high, 1)

        def numbers():
            return numpy.array([[chance.uniform(a, b) for a, b in zip(low, high)]], "float32")

        return lambda: actions.actions(numbers())[0]

    def play(self, environment, steps, seed=5):
        """Yields what every step gives; episodes have seeds that follow each other."""
        action, rows = self.actions(seed), self.lanes.rows
        ended = True
        for _ in range(steps):
            if ended:
                yield rows.row(environment.reset(seed=seed)[0])
                seed += 1
            observation, reward, terminated, truncated, _ = environment.step(action())
            ended = bool(terminated or truncated)
            yield rows.row(observation) + struct.pack("<d??", number(reward), bool(terminated), bool(truncated))

    def digest(self, environment, steps, seed=5):
        content = hashlib.sha256()
        for part in self.play(environment, steps, seed):
            content.update(part)
        return content.hexdigest()[:32]

    def run(self, steps):
        """`steps` 0: as many as a few seconds allow."""
        make = self.lanes.task.make
        first = make()
        each = 0.0
        if steps == 0:
            times = [time.perf_counter()]
            for _ in self.play(first, 5 * self.LEAST_STEPS):
                times.append(time.perf_counter())
                if len(times) > self.LEAST_STEPS and times[-1] - times[0] > self.SECONDS / 10:
                    break
            each = statistics.median(end - begin for begin, end in zip(times, times[1:]))
            steps = int(min(max(self.SECONDS / (each * (self.REPEATS + 5) + 1e-9), self.LEAST_STEPS), self.MOST_STEPS))
            first = make()
        expected = self.digest(first, steps)
        second, third = make(), make()
        pairs = list(zip(self.play(second, steps), self.play(third, steps)))
        turns = all(one == other for one, other in pairs)
        content = hashlib.sha256(b"".join(one for one, _ in pairs)).hexdigest()[:32]
        fresh = content == expected and turns and self.digest(make(), steps) == expected
        reused = True
        for repeat in range(self.REPEATS):
            if not reused:
                break
            self.digest(first, steps // 4, 100 + repeat)
            reused = self.digest(first, steps) == expected
        return json.dumps({"digest": expected, "fresh": fresh, "reused": reused, "steps": steps, "seconds": each})


def main():
    try:
        wanted = json.loads(sys.argv[1])
        gymnasium = load_gymnasium()
        task = Task(gymnasium, wanted)
        try:
            lanes = Lanes(task, wanted["lanes"], wanted["fresh_objects"])
        except Unusable:
            raise
        except (Exception, SystemExit) as error:
            raise Unusable(f"it cannot be made by {interpreter()}: {last_words(error)}")
        description = describe(task, lanes.environments[0], lanes.rows, lanes.actions)
    except Unusable as reason:
        greet(0, str(reason))
        return
    greet(1, description)
    if "memory" in wanted:
        lanes.serve()
    while True:
        steps = int(receive_text())
        try:
            send_text(SelfTest(lanes).run(steps))
        except (Exception, SystemExit) as error:
            send_text(json.dumps({"error": last_words(error)}))


main()
