"""Episodes as pictures: of every task that the program plays by itself."""

import unittest

import numpy as np

import impsweep
from impsweep import robots
from impsweep.tasks import tasks
from stores import fresh_store, needs, needs_program, scratch


@needs_program
@needs("PIL")
class Pictures(unittest.TestCase):
    def test_every_task_has_a_picture(self):
        from PIL import Image
        store = impsweep.Store(fresh_store())
        for name, chain in store.chains.items():
            if chain.baseline != "mask/weights" or chain.seed != 0:
                continue
            with self.subTest(name):
                file = store.render(name, 1, scratch() / f"{name}.gif", frames=12)
                with Image.open(file) as picture:
                    self.assertEqual(picture.size, (640, 350))
                    count = picture.n_frames
                    self.assertLessEqual(count, 12)
                    first = np.asarray(picture.convert("RGB"))
                    picture.seek(count - 1)
                    last = np.asarray(picture.convert("RGB"))
                self.assertGreater(len(np.unique(first.reshape(-1, 3), axis=0)), 4)
                self.assertTrue(count > 1 and (first != last).any())

    def test_what_is_cut_off_is_faded(self):
        store = impsweep.Store(fresh_store())
        from impsweep.render import Board
        ticket = store.ticket("mazegrid.ppo.12-8.default.mask-weights.s00", 1)
        board = Board(tasks()["mazegrid"], ticket.effective_inputs)
        self.assertEqual(board.cells.shape, (10, 20))
        self.assertEqual(board.cells.sum(), (ticket.effective_inputs.reshape(6, 200).sum(axis=0) > 0).sum())
        self.assertLess(ticket.effective_inputs.sum(), 1200)
        observation = store.trajectory("mazegrid.ppo.12-8.default.mask-weights.s00", 1).observation[0]
        colours = board.colours_of(observation)
        self.assertEqual(tuple(colours[1, 18]), (0, 200, 220))  # the agent's first cell
        self.assertEqual(tuple(colours[1, 1]), (245, 215, 60))  # a coin
        self.assertEqual(tuple(colours[0, 0]), (120, 124, 132))  # a wall

    @needs("imageio", "imageio_ffmpeg")
    def test_films(self):
        import imageio
        file = impsweep.Store(fresh_store()).render("cartpole.ppo.16-12.default.mask-weights.s00", 0,
                                                    scratch() / "film.mp4", frames=8)
        frames = [frame for frame in imageio.get_reader(file)]  # whose length is not known
        self.assertTrue(1 < len(frames) <= 8)
        self.assertEqual(frames[0].shape, (350, 640, 3))

    def test_other_endings_are_refused(self):
        with self.assertRaisesRegex(impsweep.StoreError, "neither in .gif nor in .mp4"):
            impsweep.Store(fresh_store()).render("cartpole.ppo.16-12.default.mask-weights.s00", 0, "x.avi")


class Robots(unittest.TestCase):
    def test_the_zero_pose_stands_on_the_ground(self):
        for name in ("hopper", "walker2d"):
            robot = robots.ROBOTS[name]
            joints = [(0 - (low + high) / 2) * 2 / (high - low) for low, high in
                      (body.limits for body in robot.bodies if body.axis is not None)]
            observation = np.zeros(8 + 2 * len(joints), np.float32)
            observation[8::2] = joints
            lines = robots.lines_of(robot, observation)
            self.assertAlmostEqual(lines[0][0][2], 1.45, places=5)  # head
            self.assertAlmostEqual(lines[3][1][2], 0.1, places=5)  # toes
        self.assertEqual(len(robots.lines_of(robots.ROBOTS["ant"], np.zeros(28, np.float32))), 13)

    def test_capsules_are_turned_to_their_lines(self):
        from impsweep.render import turn_to
        for direction in ([0, 0, 2], [0, 0, -1], [1, 0, 0], [0.3, -2, 0.1], [0, 0, 0]):
            x, y, z, w = turn_to(np.array(direction, float))
            turned = np.array([2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)])  # of the z axis
            length = np.linalg.norm(direction) or 1
            np.testing.assert_allclose(turned, np.array(direction) / length if any(direction) else [0, 0, 1], atol=1e-12)

    @needs("pybullet", "PIL")
    def test_solid_where_pybullet_is_installed(self):
        from impsweep.render import HEAD, HEIGHT, MARGIN, PANEL, WIDTH, Canvas, SolidRobot, robot_picture
        for name in robots.ROBOTS:
            joints = sum(body.axis is not None for body in robots.ROBOTS[name].bodies)
            observations = np.zeros((2, 8 + 2 * joints), np.float32)
            observations[1, 8] = 1.0
            picture = robot_picture(name, observations)
            self.assertIsInstance(picture, SolidRobot)
            drawn = []
            for step in range(2):
                canvas = Canvas(WIDTH + PANEL, HEAD + HEIGHT + MARGIN, 1)
                picture(canvas, observations[step], step)
                drawn.append(np.asarray(canvas.picture))
            picture.close()
            blue = drawn[0][:, :, 2].astype(int) - drawn[0][:, :, 0]
            self.assertGreater((blue > 60).sum(), 100, name)  # the torso
            self.assertTrue((drawn[0] != drawn[1]).any())


if __name__ == "__main__":
    unittest.main()
