#!/usr/bin/env python3
"""The arrows between rooms are those that CONTRIBUTING.md lists. A room is a folder of engine/ or agents/, one of the
few files beside those folders, envs or io; an arrow is an include.

    tests/arrows_test.py           fails with file and include for an arrow that is not listed
    tests/arrows_test.py --draw    the rooms by floors: a floor needs those below it only
    tests/arrows_test.py --dot     the same for Graphviz: tests/arrows_test.py --dot | dot -Tsvg > arrows.svg
"""

import graphlib
import pathlib
import re
import sys
import textwrap
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
INCLUDE = re.compile(r'^#\s*include\s+"([^"]+)"', re.MULTILINE)
BLOCK = re.compile(r"^```arrows\n(.*?)^```", re.MULTILINE | re.DOTALL)


def room_of(file):
    folders = file.split("/")
    if folders[0] in ("engine", "agents"):
        return "/".join(folders[:2]).split(".")[0]  # "engine/plan"; "engine/main" of engine/main.cpp
    return folders[0]


def read_includes(root=ROOT):
    """What each source includes of this repository, by file: {"io/files.cpp": ["io/files.hpp", ...]}."""
    return {str(file.relative_to(root)): INCLUDE.findall(file.read_text())
            for folder in ("engine", "agents", "envs", "io") for file in sorted((root / folder).rglob("*"))
            if file.name.endswith((".cpp", ".hpp", ".in"))}


def read_list(text):
    """The listed arrows, {"engine/plan": {"engine/job", ...}}; a room that needs no other has a line without arrow."""
    lines = [line.partition("->") for line in BLOCK.search(text)[1].splitlines()]
    return {room.strip(): set(targets.split()) for room, _, targets in lines}


def arrows_of(includes):
    rooms = {room_of(file): set() for file in includes}
    for file, included in includes.items():
        rooms[room_of(file)] |= {room_of(each) for each in included} - {room_of(file)}
    return rooms


def cycle_of(graph):
    """A way round, as "a -> b -> a", or nothing."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return " -> ".join(reversed(error.args[1]))


def problems(includes, listed):
    used = arrows_of(includes)
    found = [f"{file} includes {each}: the arrow {room_of(file)} -> {room_of(each)} is not listed"
             for file, included in includes.items() for each in included
             if room_of(each) not in listed.get(room_of(file), set()) | {room_of(file)}]
    found += [f"{room} is not listed" for room in used if room not in listed]
    found += [f"{room} is listed and does not exist" for room in listed if room not in used]
    found += [f"the arrow {room} -> {target} is listed and nothing uses it"
              for room in listed for target in sorted(listed[room] - used.get(room, set()))]
    found += [f"cycle of {name}: {cycle}" for name, graph in (("rooms", used), ("files", includes))
              if (cycle := cycle_of(graph))]
    return found


def floors(arrows):
    """Rooms by floor, the ground floor first."""
    floor = {}
    for room in graphlib.TopologicalSorter(arrows).static_order():
        floor[room] = 1 + max((floor[target] for target in arrows[room]), default=-1)
    return [sorted(room for room in floor if floor[room] == level) for level in range(max(floor.values()) + 1)]


def draw(arrows):
    for level, rooms in reversed(list(enumerate(floors(arrows)))):
        for i, room in enumerate(rooms):
            text = " ".join([f"{room:<18}", *sorted(arrows[room])])
            print(textwrap.fill(text, 110, initial_indent=f"{'' if i else level:>2}  ", subsequent_indent=" " * 23))
        print()


def draw_dot(arrows):
    print("digraph rooms {\n  node [shape=box];")
    for rooms in floors(arrows):
        print("  {rank=same; " + " ".join(f'"{room}";' for room in rooms) + "}")
        for room in rooms:
            print("".join(f'  "{room}" -> "{target}";\n' for target in sorted(arrows[room])), end="")
    print("}")


class Arrows(unittest.TestCase):
    def test_arrows_are_those_listed(self):
        includes = read_includes()
        self.assertGreater(len(includes), 250)
        found = problems(includes, read_list((ROOT / "CONTRIBUTING.md").read_text()))
        self.assertEqual(found, [], "\n".join(["", *found]))

    def test_each_kind_of_problem_is_found(self):
        listed = read_list("```arrows\nio\nagents/config\nengine/plan -> io agents/config\nengine/gone\n```\n")
        includes = {"io/a.hpp": ["io/b.hpp", "engine/plan/plan.hpp"], "io/b.hpp": ["io/a.hpp"],
                    "agents/config.hpp": [], "engine/plan/plan.hpp": ["io/a.hpp"], "engine/new/x.cpp": []}
        self.assertEqual(problems(includes, listed), [
            "io/a.hpp includes engine/plan/plan.hpp: the arrow io -> engine/plan is not listed",
            "engine/new is not listed",
            "engine/gone is listed and does not exist",
            "the arrow engine/plan -> agents/config is listed and nothing uses it",
            "cycle of rooms: io -> engine/plan -> io",
            "cycle of files: io/a.hpp -> io/b.hpp -> io/a.hpp"])


if __name__ == "__main__":
    if "--draw" in sys.argv:
        draw(arrows_of(read_includes()))
    elif "--dot" in sys.argv:
        draw_dot(arrows_of(read_includes()))
    else:
        unittest.main(argv=sys.argv)
