#!/usr/bin/env python3
"""make.py PROGRAM VERSION: writes the store of VERSION/job.toml, and what is read from it, for golden_test.py. Once for
a release; a store that is there is never made again."""

import json
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).parent


def main():
    program, place = sys.argv[1], HERE / sys.argv[2]
    store = place / "store"
    if store.exists():
        sys.exit(f"{store}: is there already")

    def call(*arguments):
        return subprocess.run([program, *arguments], check=True, capture_output=True, text=True).stdout

    call("run", str(place / "job.toml"), "--store", str(store))
    for folder in ("live", "leases", "quarantine"):
        shutil.rmtree(store / folder)
    tables = {}
    for table in ("rounds", "curves"):
        names, *lines = (line.split(",") for line in call("export", str(store), table).splitlines())
        tables[table] = [dict(zip(names, line)) for line in lines]
    expected = {"digest": json.loads(call("verify", str(store), "--json"))["digest"],
                "trainings": json.loads(call("status", str(store), "--json"))["trainings"]["done"],
                "chains": sorted({row["chain"] for row in tables["rounds"] if not row["chain"].startswith("expert-")}),
                "tables": tables}
    (place / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
