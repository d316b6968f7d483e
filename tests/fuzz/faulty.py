"""A worker that does what none may, to see that it is caught: `python -m tests.fuzz.faulty KIND FIRST LAST`."""

from __future__ import annotations

import os
import sys
import time

from tests.fuzz.worker import OwnOutput, peak_memory

CRASHES, ENDS, HANGS, SLEEPS, GROWS, IS_FINE = range(6)


def main() -> None:
    """Open cases FIRST to LAST, each in its own bad way."""
    first, last = int(sys.argv[2]), int(sys.argv[3])
    output = OwnOutput()
    for number in range(first, last + 1):
        output.say(begins=number)
        if number == CRASHES:
            os.abort()
        if number == ENDS:
            os._exit(77)
        while number == HANGS:
            pass
        while number == SLEEPS:
            time.sleep(1)
        while number == GROWS:
            hoard = bytearray(os.urandom(2**20) * 400)
            time.sleep(0.01 + 0 * len(hoard))
        output.say(case=number, outcome="accepted", words="", seconds=0.0, memory=peak_memory())


if __name__ == "__main__":
    main()
