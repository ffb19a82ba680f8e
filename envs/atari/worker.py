"""The client of envs/external/worker.py that runs Atari consoles, by the package ale_py of this interpreter.

Arguments: the name of the game and the number of consoles. Requests come and replies go over the socket, in the
little-endian forms below. The shared memory is [console][earlier, last][row][column]: grey screens of the last two
frames. The rules of play are the other program's; this one knows only consoles and frames.
"""

import hashlib
import importlib
import importlib.util
import json
import mmap
import re
from importlib.machinery import PathFinder

OLDEST_VERSION = (0, 11)
ROWS, COLUMNS = 210, 160
REQUEST = struct.Struct("<IIiI")  # operation, console, action, frames
REPLY = struct.Struct("<diI")  # reward, lives, game over
RESET, PLAY = 0, 1  # operations


def load_package():
    """ale_py's extension module and folder. The package itself would import much that is not needed here."""
    spec = importlib.util.find_spec("ale_py")
    if spec is None or not spec.submodule_search_locations:
        raise Unusable(f"{interpreter()} has no package ale_py")
    folder = list(spec.submodule_search_locations)[0]
    try:
        extension = PathFinder.find_spec("_ale_py", [folder])
        if extension is None:
            module = importlib.import_module("ale_py")
        else:
            module = importlib.util.module_from_spec(extension)
            extension.loader.exec_module(module)
    except ImportError as error:
        raise Unusable(f"{interpreter()} cannot load {folder}: {error}")
    version = re.match(r"(\d+)\.(\d+)", module.__version__)
    if version is None or (int(version[1]), int(version[2])) < OLDEST_VERSION:
        raise Unusable(f"{folder} holds ale-py {module.__version__}, which is too old")
    return module, folder


def find_rom(ale, folder, game):
    """The first file <game>.bin. ALE ends the process where a ROM is not as it should be: it is checked here."""
    package = os.path.join(folder, "roms")
    looked = []
    for place, origin in ((os.environ.get("ALE_ROMS_DIR"), "ALE_ROMS_DIR"), (package, "the package ale_py")):
        if not place:
            continue
        path = os.path.join(place, game + ".bin")
        try:
            with open(path, "rb") as file:
                checksum = hashlib.md5(file.read(), usedforsecurity=False).hexdigest()
        except FileNotFoundError:
            looked.append(f"{place} (from {origin}) has no {game}.bin")
            continue
        except OSError as error:
            raise Unusable(f"the ROM {path} (from {origin}) cannot be read: {error.strerror}")
        if ale.ALEInterface.isSupportedROM(path) == game:
            return path
        message = f"{path} (from {origin}) is not the ROM of this game: its MD5 is {checksum}"
        try:
            with open(os.path.join(package, "md5.json"), encoding="utf-8") as file:
                message += f", and {json.load(file)[game + '.bin']} is expected"
        except (OSError, ValueError, KeyError):
            pass  # a package without the list
        raise Unusable(message)
    raise Unusable("; ".join(looked))


class Console:
    def __init__(self, ale, rom, earlier, last):
        self.earlier, self.last = earlier, last
        self.game = ale.ALEInterface()
        self.game.setInt("random_seed", 0)
        self.game.setFloat("repeat_action_probability", 0.0)
        self.game.setInt("frame_skip", 1)
        self.game.loadROM(rom)
        self.loaded = self.game.cloneState(include_rng=True)

    def reset(self):
        # In some games (Surround, for one) a reset alone leaves traces of what was played before.
        self.game.restoreState(self.loaded)
        self.game.reset_game()
        return 0

    def play(self, action, frames):
        reward = 0
        for _ in range(frames - 1):
            reward += self.game.act(action)
        self.game.getScreenGrayscale(self.earlier)
        reward += self.game.act(action)
        self.game.getScreenGrayscale(self.last)
        return reward


def make_consoles(game, count):
    """The consoles, and what the greeting says of them."""
    ale, folder = load_package()
    ale.ALEInterface.setLoggerMode(ale.LoggerMode.Error)
    rom = find_rom(ale, folder, game)
    size = ROWS * COLUMNS
    shared = memoryview(mmap.mmap(MEMORY, 2 * count * size))
    screens = [shared[i * size : (i + 1) * size].cast("B", (ROWS, COLUMNS)) for i in range(2 * count)]
    consoles = [Console(ale, rom, screens[2 * i], screens[2 * i + 1]) for i in range(count)]
    rows, columns = consoles[0].game.getScreenDims()
    actions = " ".join(str(action.value) for action in consoles[0].game.getMinimalActionSet())
    return consoles, f"{ale.__version__}\n{rows} {columns}\n{actions}"


def serve(consoles):
    while True:
        operation, number, action, frames = REQUEST.unpack(read_exactly(REQUEST.size))
        console = consoles[number]
        reward = console.reset() if operation == RESET else console.play(action, frames)
        write_all(REPLY.pack(reward, console.game.lives(), console.game.game_over()))


def main():
    try:
        consoles, description = make_consoles(sys.argv[1], int(sys.argv[2]))
    except Unusable as reason:
        greet(0, str(reason))
        return
    greet(1, description)
    serve(consoles)


main()
