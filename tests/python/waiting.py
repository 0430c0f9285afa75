# Waiting with a deadline, the only way tests wait: a condition is looked at until it holds or its time is over.
# Nothing here delays longer than it has to; a condition that never holds fails with what was waited for.
import threading
import time

DEFAULT_SECONDS = 20.0  # generous: a loaded machine, a sanitizer


class NeverCame(AssertionError):
    """What was waited for did not happen in its time."""


def eventually(condition, seconds=DEFAULT_SECONDS, what="the condition", every=0.005):
    """Returns the first true value of condition(); raises NeverCame after `seconds`."""
    gate = threading.Event()  # never set: its wait is a bounded pause between two looks
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise NeverCame(f"{what} did not come within {seconds} s")
        gate.wait(every)


def remaining_ms(deadline):
    """Milliseconds left until a time.monotonic() deadline, never negative: what zmq's poll takes."""
    return max(0, int((deadline - time.monotonic()) * 1000))
