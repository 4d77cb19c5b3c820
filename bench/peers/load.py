"""How much of its cores a worker did not get while it was its turn (Linux' /proc).

A busy neighbour slows threads that wait for each other by far more than its share, and some
libraries more than others: such a comparison says little, so the report marks it.
"""

import os
from pathlib import Path

TICK = 1 / os.sysconf("SC_CLK_TCK")  # seconds
IDLE = (3, 4)  # idle and waiting for a disk, of user nice system idle iowait irq softirq steal


def busy(cores: set[int]) -> float:
    """Seconds the cores have worked for anyone, other virtual machines too."""
    ticks = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *fields = line.split()
        if name.removeprefix("cpu").isdigit() and int(name[3:]) in cores:
            ticks += sum(int(f) for at, f in enumerate(fields[:8]) if at not in IDLE)
    return ticks * TICK


def used(process: int) -> float:
    """Seconds a process and its children that have ended have worked."""
    text = Path(f"/proc/{process}/stat").read_text()
    fields = text.rpartition(")")[2].split()  # the name before may hold spaces
    return sum(map(int, fields[11:15])) * TICK
