"""No two headers define a class of the same name: one of the two would be used for both, silently."""

import collections
import pathlib
import re
import sys
import unittest

ROOT = pathlib.Path(__file__).parent.parent
NAMESPACE = re.compile(r"namespace\s+([\w:]+)\s*{")
CLASS = re.compile(r"(?:template\s*<.*>\s*)?(?:struct|class|enum class|enum|union)\s+(?:alignas\([^)]*\)\s*)?(\w+)[^;]*$")


def classes(header):
    """Names that the header defines in a namespace: at the beginning of a line, as the formatter puts them."""
    namespace = ""
    for line in header.read_text().splitlines():
        if found := NAMESPACE.match(line):
            namespace = found[1]
        elif found := CLASS.match(line):
            yield f"{namespace}::{found[1]}"


class OneDefinition(unittest.TestCase):
    def test_classes(self):
        places = collections.defaultdict(set)
        for folder in ("agents", "engine", "envs", "io"):
            for header in (ROOT / folder).rglob("*.hpp"):
                for name in classes(header):
                    places[name].add(str(header.relative_to(ROOT)))
        self.assertGreater(len(places), 200)
        self.assertEqual({name: sorted(where) for name, where in places.items() if len(where) > 1}, {})


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
