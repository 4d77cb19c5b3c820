"""What an import costs in a fresh process, NumPy imported before."""

import subprocess
import sys

from bench.peers.task import Task

PROGRAM = """
import numpy, time
start = time.perf_counter()
{statement}
print(time.perf_counter() - start)
"""


def import_task(statement: str) -> Task:
    command = [sys.executable, "-c", PROGRAM.format(statement=statement)]

    def seconds() -> float:
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return float(done.stdout.split()[-1])

    return Task(seconds, own_clock=True)
