# Names the targets that a selection of tests runs: usage: selected_targets.py BUILD_DIR [ctest's -L, -LE, -R options].
# Python tests, and those of node, name the executables they start as their required files. An executable that was never built has no command
# yet: then the test has its target's name, and if it has not, everything is built.
import json
import os
import subprocess
import sys


def main(build, *selection):
    shown = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1", *selection], capture_output=True,
                           text=True, check=True)
    listed = subprocess.run(["ninja", "-C", build, "-t", "targets", "all"], capture_output=True, text=True, check=True)
    known = {line.split(":")[0] for line in listed.stdout.splitlines()}
    targets = set()
    for test in json.loads(shown.stdout)["tests"]:
        command = test.get("command", [test["name"]])[0]
        properties = {each["name"]: each["value"] for each in test["properties"]}
        if "python" in os.path.basename(command) or "REQUIRED_FILES" in properties:
            targets.update(os.path.basename(each) for each in properties["REQUIRED_FILES"])
        elif not os.path.isabs(command) or command.startswith(os.path.realpath(build) + os.sep):
            targets.add(os.path.basename(command))  # what stands elsewhere, such as env, nobody builds
    print("\n".join(sorted(targets) if targets <= known else ["all"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
