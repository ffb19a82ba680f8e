#!/usr/bin/env python3
"""What the formatter does not see: long lines, words that a newcomer would have to look up, broken section rules,
unfinished places, headers that are called otherwise than they say, and long subjects of commits."""

import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
COLUMNS, SUBJECT = 110, 72
# The last commit before these rules.
BASE = "2ca06ae"

# Words, and what is said instead. The spelling of keys, files and canonical bytes is never changed for this.
PUBLIC = re.compile(r'bc\.epsilon_expert|"expert"|"?expert-')
WORDS = {
    r"heed": "throw_if_interrupted, observe",
    r"farewell": "shutdown, MPI_Finalize",
    r"work_?place": "context",
    r"attend": "process, wait",
    r"hear_of|look_elsewhere|look_for_the_lost": "a verb of the field, e.g. detect_lost_ranks",
    r"doom": "kill",
    r"thought": "say what is there",
    r"wants": "needs, expects",
    r"lest": "so that ... not",
    r"opponent": "reference",
    r"experts?": "teacher",
}
WORD = re.compile("|".join(rf"(?<![A-Za-z]){word}(?![A-Za-z])" for word in WORDS), re.IGNORECASE)

MARKS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3 + "+")) + r")\b|" + "X" * 6)
RULE = re.compile(r"\s*//\s*-{2,}")
GOOD_RULE = re.compile(r"\s*// ---- \w.*\w\)?$")


def sources():
    return sorted(path for folder in ("engine", "agents", "envs", "io", "tests") for path in (ROOT / folder).rglob("*")
                  if path.suffix in (".cpp", ".hpp", ".py"))


def faults_of_line(line):
    if len(line) > COLUMNS:
        yield f"{len(line)} columns, at most {COLUMNS}"
    if found := WORD.search(re.sub(r"(?<=[a-z])(?=[A-Z])", "_", PUBLIC.sub("", line))):  # CamelCase as camel_Case
        instead = next(text for word, text in WORDS.items() if re.fullmatch(word, found[0], re.IGNORECASE))
        yield f"'{found[0]}': {instead}"
    if re.search(r"//\s+Of (?!course)", line):
        yield "a comment that begins with 'Of': name what it is about first"
    if RULE.match(line) and not GOOD_RULE.match(line):
        yield "a section rule is one line, '// ---- name'"


def faults(path, text):
    name = str(path)
    for number, line in enumerate(text.splitlines(), 1):
        if MARKS.search(line):
            yield f"{name}:{number}: unfinished"
        if path.suffix != ".py":
            yield from (f"{name}:{number}: {fault}" for fault in faults_of_line(line))
    if path.suffix == ".hpp" and not text.startswith(f"// {name} - "):
        yield f"{name}:1: begins with '// {name} - ' and what it is"


def subjects():
    """Of the commits since BASE; none without git or where the history does not reach back to it."""
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        return []
    log = subprocess.run(["git", "-C", str(ROOT), "log", "--format=%s", f"{BASE}..HEAD"], capture_output=True, text=True)
    return log.stdout.splitlines() if log.returncode == 0 else []


class Style(unittest.TestCase):
    def assert_no(self, found):
        self.assertFalse(found, "\n" + "\n".join(found))

    def test_sources(self):
        paths = sources()
        self.assertGreater(len(paths), 300)
        self.assert_no([fault for path in paths for fault in faults(path.relative_to(ROOT), path.read_text())])

    def test_each_fault_is_found(self):
        text = "\n".join(["// io/x.hpp - good", "// " + "x" * 108, "void he" + "ed(int);", "// Of a row.", "  // ---",
                          "// ---- rows ----", "// ---- rows (all)", "int bc; // bc.epsilon_expert", "// an expert",
                          "// TO" + "DO later"])
        found = [fault.split(":")[1] for fault in faults(pathlib.Path("io/x.hpp"), text)]
        self.assertEqual(found, ["2", "3", "4", "5", "6", "9", "10"])
        self.assertEqual(list(faults(pathlib.Path("io/y.hpp"), "int y;"))[0].split(":")[0], "io/y.hpp")

    def test_subjects_of_commits(self):
        self.assert_no([subject for subject in subjects() if len(subject) > SUBJECT])


if __name__ == "__main__":
    unittest.main()
