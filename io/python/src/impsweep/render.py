"""An episode as a moving picture: the task on the left, and on the right what the ticket's network sees of it.

Inputs that are effective (on a path of kept weights to an output) are in colour, those that are cut off are grey; on
boards, cells of which no input is effective are faded.
"""

import importlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import StoreError, optional
from .robots import ROBOTS, STEP_SECONDS, VELOCITY_SCALE, lines_of
from .tasks import Task, tasks

if TYPE_CHECKING:
    from .store import Store
    from .ticket import Ticket
    from .trajectory import Trajectory

Colour = tuple[int, int, int]
PAPER, INK, GREY, BLUE, ORANGE = (255, 255, 255), (30, 34, 42), (176, 180, 188), (31, 111, 180), (222, 120, 30)
LIGHT_ORANGE = (240, 165, 90)
WIDTH, HEIGHT, PANEL, MARGIN, HEAD = 400, 300, 240, 12, 38  # pixels: picture, panel beside it, border, caption
FRAMES_PER_SECOND = 25
# MazeGrid as the task itself paints it; others by evenly spread hues.
MAZE = {"empty": (28, 30, 36), "agent": (0, 200, 220), "enemy 1": (225, 60, 225), "enemy 2": (60, 200, 80),
        "coin": (245, 215, 60), "poison": (160, 92, 50)}
WALL = (120, 124, 132)

Draw = Callable[[Any, NDArray[np.float32], int], None]  # on a canvas, an observation, the number of the step


class Canvas:
    """A picture that is drawn on in pixels of the frame."""

    def __init__(self, width: int, height: int, scale: int) -> None:
        image, draw, font = (optional(f"PIL.{name}", "pillow", "render()") for name in ("Image", "ImageDraw", "ImageFont"))
        self.scale = scale
        self.picture = image.new("RGB", (width * scale, height * scale), PAPER)
        self._draw = draw.Draw(self.picture)
        try:
            self._font = font.load_default(11 * scale)
        except TypeError:  # Pillow before 10.1 has one size
            self._font = font.load_default()

    def _scaled(self, points: Any) -> list[tuple[float, float]]:
        return [(x * self.scale, y * self.scale) for x, y in points]

    def line(self, points: Any, colour: Colour, width: float = 1) -> None:
        self._draw.line(self._scaled(points), fill=colour, width=max(1, round(width * self.scale)), joint="curve")

    def thick(self, start: Any, end: Any, colour: Colour, width: float) -> None:
        """A line with round ends."""
        self.line([start, end], colour, width)
        for point in (start, end):
            self.disc(point, width / 2, colour)

    def disc(self, centre: Any, radius: float, colour: Colour) -> None:
        x, y = centre
        self._draw.ellipse(self._scaled([(x - radius, y - radius), (x + radius, y + radius)]), fill=colour)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour | None = None,
            outline: Colour | None = None) -> None:
        (x0, y0), (x1, y1) = self._scaled([(left, top), (right, bottom)])
        self._draw.rectangle([x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)], fill=colour, outline=outline)

    def paste(self, left: float, top: float, pixels: NDArray[np.uint8]) -> None:
        """[rows][columns][3], in pixels of the picture, not of the frame."""
        image = optional("PIL.Image", "pillow", "render()")
        self.picture.paste(image.fromarray(pixels), (round(left * self.scale), round(top * self.scale)))

    def text(self, left: float, top: float, words: str, colour: Colour = INK) -> None:
        self._draw.text((left * self.scale, top * self.scale), words, fill=colour, font=self._font)

    def text_width(self, words: str) -> float:
        return float(self._draw.textlength(words, font=self._font)) / self.scale


def _mixed(colour: Colour, other: Colour, part: float) -> Colour:
    return tuple(round(a + (b - a) * part) for a, b in zip(colour, other))  # type: ignore[return-value]


# ---- pictures of tasks; all are drawn into WIDTH x HEIGHT below the caption

def draw_cartpole(canvas: Canvas, observation: NDArray[np.float32], _: int) -> None:
    x, angle = float(observation[0]), float(observation[2])
    ground, per_metre = HEAD + HEIGHT * 0.78, (WIDTH - 2 * MARGIN) / 5.2  # the track is 4.8 m long
    canvas.line([(MARGIN, ground), (WIDTH - MARGIN, ground)], INK, 1.5)
    for end in (-2.4, 2.4):
        canvas.line([(WIDTH / 2 + end * per_metre, ground - 8), (WIDTH / 2 + end * per_metre, ground + 8)], ORANGE, 2)
    cart = WIDTH / 2 + x * per_metre
    canvas.box(cart - 26, ground - 30, cart + 26, ground - 6, BLUE)
    for wheel in (-15, 15):
        canvas.disc((cart + wheel, ground - 4), 5, INK)
    pivot, length = (cart, ground - 30), 1.0 * per_metre * 1.9
    tip = (pivot[0] + length * math.sin(angle), pivot[1] - length * math.cos(angle))
    canvas.thick(pivot, tip, ORANGE, 9)
    canvas.disc(pivot, 4, INK)


def draw_acrobot(canvas: Canvas, observation: NDArray[np.float32], _: int) -> None:
    first = math.atan2(float(observation[1]), float(observation[0]))
    second = first + math.atan2(float(observation[3]), float(observation[2]))
    pivot, length = (WIDTH / 2, HEAD + HEIGHT * 0.5), HEIGHT * 0.235
    joint = (pivot[0] + length * math.sin(first), pivot[1] + length * math.cos(first))
    tip = (joint[0] + length * math.sin(second), joint[1] + length * math.cos(second))
    canvas.line([(MARGIN, pivot[1] - length), (WIDTH - MARGIN, pivot[1] - length)], GREY, 1.5)
    canvas.text(MARGIN, pivot[1] - length - 16, "goal", GREY)
    canvas.thick(pivot, joint, BLUE, 10)
    canvas.thick(joint, tip, ORANGE, 10)
    for place in (pivot, joint):
        canvas.disc(place, 4, INK)


def channel_colours(task: Task) -> list[Colour]:
    if task.name == "mazegrid":
        return [MAZE[name] for name in task.channel_names]
    count = len(task.channel_names)
    colours = []
    for index in range(count):
        turn = index / count * 2 * math.pi
        colours.append(tuple(round(150 + 105 * math.cos(turn - shift)) for shift in (0, 2 * math.pi / 3, 4 * math.pi / 3)))
    return colours  # type: ignore[return-value]


def cells_of(task: Task, useful: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """[rows][columns] whether the network is reached from any input of the cell. Convolutions read all cells of the
    channels that they have left."""
    if len(useful) == task.observation:
        return np.asarray(useful.reshape(-1, task.rows, task.columns).any(axis=0), bool)
    return np.full((task.rows, task.columns), bool(useful.any()))


class Board:
    """Cells in the colours of their channels, the topmost channel first; or shades of one value."""

    def __init__(self, task: Task, useful: NDArray[np.bool_]) -> None:
        self.task, self.cells = task, cells_of(task, useful)
        self.channels = len(task.channel_names)
        self.colours = channel_colours(task)
        self.size = min((WIDTH - 2 * MARGIN) / task.columns, (HEIGHT - 2 * MARGIN) / task.rows)

    def colours_of(self, observation: NDArray[np.float32]) -> NDArray[np.float64]:
        """[rows][columns][3]"""
        maps = observation.reshape(-1, self.task.rows, self.task.columns)
        if self.task.channel_names == ("red", "green", "blue"):
            largest = max(float(maps.max()), 1e-9)
            return np.asarray(np.moveaxis(maps, 0, 2) * (255 / largest if largest <= 1 else 1), np.float64)
        if self.task.name.startswith("atari-") or self.task.name == "digits":
            shade = maps[-1] / max(float(maps.max()), 1e-9) * 255
            return np.repeat(np.asarray(shade, np.float64)[:, :, None], 3, axis=2)
        if not np.isin(maps, (0, 1)).all():  # entangled: no cell means anything; shades of each feature
            span = max(float(np.abs(maps).max()), 1e-9)
            return np.asarray(np.moveaxis(127 + 128 * maps[:3] / span, 0, 2), np.float64)
        picture = np.empty((self.task.rows, self.task.columns, 3))
        picture[:] = WALL if self.task.name == "mazegrid" else MAZE["empty"]
        for channel in reversed(range(self.channels)) if self.task.name != "mazegrid" else range(self.channels):
            picture[maps[channel] > 0] = self.colours[channel]
        return picture

    def __call__(self, canvas: Canvas, observation: NDArray[np.float32], _: int) -> None:
        colours = self.colours_of(observation)
        left, top = (WIDTH - self.size * self.task.columns) / 2, HEAD + (HEIGHT - self.size * self.task.rows) / 2
        gap = 1 if self.size >= 8 else 0
        for row in range(self.task.rows):
            for column in range(self.task.columns):
                red, green, blue = (int(value) for value in colours[row, column])
                colour: Colour = (red, green, blue)
                if not self.cells[row, column]:
                    colour = _mixed(colour, PAPER, 0.72)
                x, y = left + column * self.size, top + row * self.size
                canvas.box(x, y, x + self.size - gap, y + self.size - gap, colour)


class StickFigure:
    """A robot from its joints. Planar ones from the side, the ant from above at a slant."""

    def __init__(self, task: str, observations: NDArray[np.float32]) -> None:
        self.robot, self.forward = ROBOTS[task], forward_positions(observations)

    def __call__(self, canvas: Canvas, observation: NDArray[np.float32], step: int) -> None:
        lines = lines_of(self.robot, observation)
        ground, per_metre = HEAD + HEIGHT * 0.86, 120.0
        offset = self.forward[step]

        def place(point: NDArray[np.float64]) -> tuple[float, float]:
            x, y, z = (float(value) for value in point)
            if self.robot.planar:
                return WIDTH / 2 + x * per_metre, ground - z * per_metre
            return WIDTH / 2 + (x + 0.35 * y) * per_metre, ground - 30 - (z + 0.35 * y) * per_metre
        canvas.line([(MARGIN, ground), (WIDTH - MARGIN, ground)], INK, 1.5)
        metre = math.ceil(offset - WIDTH / 2 / per_metre)
        while (x := WIDTH / 2 + (metre - offset) * per_metre) < WIDTH - MARGIN:
            if x > MARGIN:
                canvas.line([(x, ground), (x, ground + 6)], INK)
                canvas.text(x + 3, ground + 4, f"{metre} m", GREY)
            metre += 1
        if not self.robot.planar:
            canvas.disc(place(lines[0][0]), self.robot.bodies[0].radius * per_metre, BLUE)
        for index, (start, end) in reversed(list(enumerate(lines))):
            if not np.allclose(start, end):
                canvas.thick(place(start), place(end), BLUE if index == 0 else ORANGE if index % 2 else LIGHT_ORANGE, 9)


class SolidRobot:
    """The same in space: capsules with light and shadow, drawn by pybullet's own renderer."""

    def __init__(self, task: str, observations: NDArray[np.float32], pybullet: Any) -> None:
        self.robot, self.forward, self.bullet = ROBOTS[task], forward_positions(observations), pybullet
        self.world = pybullet.connect(pybullet.DIRECT)
        for metre in range(-8, 9):  # the ground: tiles that stay below the camera
            colour = [0.82, 0.84, 0.87, 1] if metre % 2 else [0.93, 0.94, 0.95, 1]
            tile = self._shape(pybullet.GEOM_BOX, colour, halfExtents=[0.5, 3, 0.01])
            pybullet.createMultiBody(0, -1, tile, [metre, 0, -0.01], physicsClientId=self.world)
        self.tiles = list(range(17))
        self.bodies = []
        for index, (body, (start, end)) in enumerate(zip(self.robot.bodies, lines_of(self.robot, observations[0]))):
            length = float(np.linalg.norm(end - start))
            colour = [part / 255 for part in (BLUE if index == 0 else ORANGE if index % 2 else LIGHT_ORANGE)] + [1]
            shape = self._shape(pybullet.GEOM_CAPSULE, colour, radius=body.radius, length=length) if length > 0 else \
                self._shape(pybullet.GEOM_SPHERE, colour, radius=body.radius)
            self.bodies.append(pybullet.createMultiBody(0, -1, shape, physicsClientId=self.world))

    def _shape(self, kind: int, colour: list[float], **extents: Any) -> int:
        return int(self.bullet.createVisualShape(kind, rgbaColor=colour, physicsClientId=self.world, **extents))

    def close(self) -> None:
        self.bullet.disconnect(self.world)

    def __call__(self, canvas: Canvas, observation: NDArray[np.float32], step: int) -> None:
        bullet, offset = self.bullet, self.forward[step]
        for tile, metre in zip(self.tiles, range(-8, 9)):  # two metres are one period of the pattern
            bullet.resetBasePositionAndOrientation(tile, [metre - offset % 2, 0, -0.01], [0, 0, 0, 1],
                                                   physicsClientId=self.world)
        for body, (start, end) in zip(self.bodies, lines_of(self.robot, observation)):
            bullet.resetBasePositionAndOrientation(body, ((start + end) / 2).tolist(), turn_to(end - start),
                                                   physicsClientId=self.world)
        width, height = (WIDTH - 2 * MARGIN) * canvas.scale, (HEIGHT - MARGIN) * canvas.scale
        eye = [0.4, -2.6, 1.3] if self.robot.planar else [1.2, -2.4, 1.7]
        view = bullet.computeViewMatrix(eye, [0, 0, 0.6 if self.robot.planar else 0.35], [0, 0, 1])
        lens = bullet.computeProjectionMatrixFOV(50, width / height, 0.1, 20)
        pixels = bullet.getCameraImage(width, height, view, lens, lightDirection=[1, -2, 4], shadow=1,
                                       renderer=bullet.ER_TINY_RENDERER, physicsClientId=self.world)[2]
        picture = np.asarray(pixels, np.uint8).reshape(height, width, 4)[:, :, :3]
        canvas.paste(MARGIN, HEAD, picture)
        canvas.text(MARGIN, HEAD + HEIGHT - MARGIN - 14, f"{offset:.1f} m", INK)


def turn_to(direction: NDArray[np.float64]) -> list[float]:
    """The quaternion (x, y, z, w) that turns the z axis to a direction; none for a zero vector."""
    length = float(np.linalg.norm(direction))
    if length == 0:
        return [0, 0, 0, 1]
    x, y, z = (float(part) for part in direction / length)
    if z < -1 + 1e-9:
        return [1, 0, 0, 0]
    quaternion = np.array([-y, x, 0, 1 + z])
    return [float(part) for part in quaternion / np.linalg.norm(quaternion)]


def forward_positions(observations: NDArray[np.float32]) -> NDArray[np.float64]:
    """[steps] metres walked, the sum of the velocities."""
    speed = observations[:, 3].astype(np.float64) / VELOCITY_SCALE * STEP_SECONDS
    return np.concatenate([[0.0], np.cumsum(speed)[:-1]])


def robot_picture(task: str, observations: NDArray[np.float32]) -> StickFigure | SolidRobot:
    """Solid where pybullet is installed."""
    try:
        return SolidRobot(task, observations, importlib.import_module("pybullet"))
    except ImportError:
        return StickFigure(task, observations)


# ---- the panel

def draw_vector_panel(canvas: Canvas, task: Task, observation: NDArray[np.float32], useful: NDArray[np.bool_],
                      largest: NDArray[np.float64]) -> None:
    names = task.observation_names
    step = min(22.0, (HEIGHT - 30) / max(len(names), 1))
    canvas.text(WIDTH + MARGIN, HEAD, f"effective inputs: {int(useful.sum())} of {len(useful)}")
    for index, name in enumerate(names):
        top = HEAD + 22 + index * step
        colour = BLUE if useful[index] else GREY
        if step >= 9:
            canvas.text(WIDTH + MARGIN, top - 2, name, INK if useful[index] else GREY)
            if not useful[index]:
                canvas.line([(WIDTH + MARGIN, top + 5), (WIDTH + MARGIN + canvas.text_width(name), top + 5)], GREY)
        middle, half = WIDTH + PANEL - 52, 38
        canvas.line([(middle, top), (middle, top + step - 3)], GREY)
        end = middle + half * float(np.clip(observation[index] / largest[index], -1, 1))
        canvas.box(min(middle, end), top + 1, max(middle, end, min(middle, end) + 1), top + step - 4, colour)


def draw_board_panel(canvas: Canvas, task: Task, useful: NDArray[np.bool_], colours: list[Colour]) -> None:
    channels = len(task.channel_names)
    whole = len(useful) == task.observation
    canvas.text(WIDTH + MARGIN, HEAD, f"effective inputs: {int(useful.sum())} of {len(useful)}"
                if whole else f"effective channels: {int(useful.sum())} of {len(useful)}")
    for index, name in enumerate(task.channel_names):
        top = HEAD + 22 + index * 20
        part = float(useful.reshape(channels, -1)[index].mean())
        canvas.box(WIDTH + MARGIN, top, WIDTH + MARGIN + 12, top + 12, colours[index] if part > 0 else _mixed(
            colours[index], PAPER, 0.72), GREY)
        canvas.text(WIDTH + MARGIN + 18, top, name, INK if part > 0 else GREY)
        left = WIDTH + PANEL - 88
        canvas.box(left, top + 2, left + 70, top + 10, None, GREY)
        if part > 0:
            canvas.box(left, top + 2, left + max(1.0, 70 * part), top + 10, BLUE)
    if whole and channels:
        canvas.text(WIDTH + MARGIN, HEAD + 26 + channels * 20, "faded cells: no effective input", GREY)


def action_text(action: Any) -> str:
    """"action 1"; of continuous ones the first four dimensions."""
    if not np.ndim(action):
        return f"action {int(action)}"
    return "action " + " ".join(f"{value:+.2f}" for value in action[:4]) + (" ..." if len(action) > 4 else "")


# ---- whole episodes

def make_frames(ticket: "Ticket", trajectory: "Trajectory", frames: int, scale: int) -> list[Any]:
    """One picture per step, or of every so many steps where there would be more than `frames`."""
    task = tasks().get(ticket.chain.task)
    if task is None:
        raise StoreError(f"render: this reader does not know the task '{ticket.chain.task}'")
    useful = ticket.effective_inputs
    draw: Draw
    if task.name == "cartpole":
        draw = draw_cartpole
    elif task.name == "acrobot":
        draw = draw_acrobot
    elif task.name in ROBOTS:
        draw = robot_picture(task.name, trajectory.observation)
    elif task.rows:
        draw = Board(task, useful)
    else:
        raise StoreError(f"render: there is no picture of '{task.name}'")
    chosen = trajectory.episode == trajectory.episode[0]
    steps = np.flatnonzero(chosen)
    stride = max(1, math.ceil(len(steps) / frames))
    returns = np.cumsum(trajectory.reward[steps], dtype=np.float64)
    largest = np.maximum(np.abs(trajectory.observation[steps]).max(axis=0).astype(np.float64), 1e-6)
    pictures = []
    for number in range(0, len(steps), stride):
        step = steps[number]
        canvas = Canvas(WIDTH + PANEL, HEAD + HEIGHT + MARGIN, scale)
        canvas.text(MARGIN, 5, f"{ticket.chain.task} {ticket.chain.algorithm} {ticket.chain.baseline} "
                               f"seed {ticket.chain.seed}, round {ticket.round}: {100 * ticket.density:.3g} % of the weights")
        canvas.text(MARGIN, 20, f"step {number}, return {returns[number]:.4g}, "
                               + action_text(trajectory.action[step]), GREY)
        observation = trajectory.observation[step]
        draw(canvas, observation, number)
        if task.rows:
            colours = channel_colours(task) if task.name != "mazegrid-rgb" else [(230, 60, 60), (60, 190, 80), (60, 90, 230)]
            draw_board_panel(canvas, task, useful, colours)
        else:
            draw_vector_panel(canvas, task, observation, useful, largest)
        pictures.append(canvas.picture)
    if isinstance(draw, SolidRobot):
        draw.close()
    return pictures


def write_pictures(pictures: list[Any], path: Path) -> None:
    """StoreError for other endings than .gif and .mp4."""
    suffix = path.suffix.lower()
    if suffix == ".gif":
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=1000 // FRAMES_PER_SECOND, loop=0,
                         optimize=True)
    elif suffix == ".mp4":
        imageio = optional("imageio", "imageio imageio-ffmpeg", "render() to .mp4")
        optional("imageio_ffmpeg", "imageio-ffmpeg", "render() to .mp4")
        with imageio.get_writer(path, fps=FRAMES_PER_SECOND, macro_block_size=2) as writer:
            for picture in pictures:
                writer.append_data(np.asarray(picture))
    else:
        raise StoreError(f"render: {path} ends neither in .gif nor in .mp4")


def render_episode(store: "Store", chain: str, round: int, path: Path, *, greedy: bool, frames: int, scale: int) -> Path:
    if path.suffix.lower() not in (".gif", ".mp4"):
        raise StoreError(f"render: {path} ends neither in .gif nor in .mp4")
    if frames < 1 or scale < 1:
        raise StoreError("render: frames and scale are at least 1")
    ticket = store.ticket(chain, round)
    optional("PIL", "pillow", "render()")
    write_pictures(make_frames(ticket, store.trajectory(chain, round, greedy=greedy), frames, scale), path)
    return path
