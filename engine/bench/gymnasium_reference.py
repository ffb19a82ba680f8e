"""The client of envs/external/worker.py that `impsweep bench` compares itself with: the same environments in Gymnasium's
own vector class, and in a bare loop over the objects.

Argument: the name of the environment. The first message is JSON of seeds by lane and of actions by step and lane; each
further one asks for the seconds that some steps take ("vector", "loop"), or for the sum of rewards from the seeds on."""

import json
import time


def main():
    try:
        import gymnasium
        import numpy
    except ImportError as error:
        greet(0, str(error))
        return
    greet(1, "")
    given = json.loads(receive_text())
    count, steps = len(given["seeds"]), given["steps"]

    if "mujoco" in str(gymnasium.spec(sys.argv[1]).entry_point):
        import mujoco

        mujoco.set_mju_user_warning(lambda text: None)  # else it leaves a file in the working directory

    def make():
        return gymnasium.make(sys.argv[1], disable_env_checker=True)

    vector = gymnasium.vector.SyncVectorEnv([make] * count)
    rows = numpy.array(given["actions"], vector.single_action_space.dtype)
    actions = rows.tolist() if rows.ndim == 2 else [list(row) for row in rows]
    lanes = [make() for _ in range(count)]
    place = {"vector": 0, "loop": 0}

    def play_vector(step):
        vector.step(rows[step % len(rows)])

    def play_loop(step):
        row = actions[step % len(actions)]
        for lane, environment in enumerate(lanes):
            _, _, terminated, truncated, _ = environment.step(row[lane])
            if terminated or truncated:
                environment.reset()

    def rewards():
        """Of each lane's first episode, as far as the actions go, one lane after the other."""
        total = 0.0
        for lane, seed in enumerate(given["seeds"]):
            lanes[lane].reset(seed=seed)
            for row in actions:
                _, reward, terminated, truncated, _ = lanes[lane].step(row[lane])
                total += float(reward)
                if terminated or truncated:
                    break
        return total

    play = {"vector": play_vector, "loop": play_loop}
    vector.reset(seed=given["seeds"])
    while True:
        asked = receive_text()
        if asked == "rewards":
            send_text(json.dumps(rewards()))
            for environment in lanes:
                environment.reset()
            continue
        one = play[asked]
        begin = time.perf_counter()
        for _ in range(steps):
            one(place[asked])
            place[asked] += 1
        send_text(json.dumps(time.perf_counter() - begin))


main()
