# Counts test cases from ctest's JUnit file: an executable of Catch2, a file of unittest or of node:test holds many. Prints what was
# skipped, what failed, and as last line `N passed, N failed`; exits 1 if anything failed or nothing ran.
import re
import sys
import xml.etree.ElementTree as ElementTree

CATCH_PASSED = re.compile(r"All tests passed \([0-9]+ assertions? in ([0-9]+) test cases?\)")
CATCH_FAILED = re.compile(r"test cases:\s+([0-9]+) \|(?:\s+([0-9]+) passed \|)?\s+([0-9]+) failed")
NODE_COUNT = re.compile(r"^# (pass|fail|cancelled|skipped) ([0-9]+)$", re.MULTILINE)
UNITTEST_RAN = re.compile(r"^Ran ([0-9]+) tests? in", re.MULTILINE)
UNITTEST_COUNT = re.compile(r"(failures|errors|skipped)=([0-9]+)")


def count(output, failed):
    """(passed, failed, skipped) of one test's output."""
    catch = CATCH_FAILED.search(output)
    if catch:
        return int(catch[2] or 0), max(int(catch[3]), int(failed)), 0
    catch = CATCH_PASSED.search(output)
    if catch:
        return int(catch[1]), int(failed), 0
    node = {name: int(number) for name, number in NODE_COUNT.findall(output)}
    if node:
        return node["pass"], max(node["fail"] + node["cancelled"], int(failed)), node["skipped"]
    ran = UNITTEST_RAN.search(output)
    if ran:
        counts = {name: int(number) for name, number in UNITTEST_COUNT.findall(output[ran.end():])}
        skipped = counts.get("skipped", 0)
        bad = max(counts.get("failures", 0) + counts.get("errors", 0), int(failed))
        return max(0, int(ran[1]) - bad - skipped), bad, skipped
    return int(not failed), int(failed), 0


def main(path):
    try:
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError) as error:
        print(f"no results: {error}\n0 passed, 1 failed")
        return 1
    passed = failed = 0
    for case in cases:
        output = case.findtext("system-out") or ""
        bad = case.get("status") != "run" or case.find("failure") is not None
        good, wrong, skipped = count(output, bad)
        passed, failed = passed + good, failed + wrong
        if skipped:
            print(f"SKIPPED {skipped} in {case.get('name')}:", *re.findall(r"SKIPPED: .*", output), sep="\n  ")
        if wrong:
            print(f"FAILED {wrong} in {case.get('name')}")
    print(f"{len(cases)} tests of ctest")
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
