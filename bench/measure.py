"""Wall time and resident memory of a command, without its output."""

import os
import subprocess
import sys
import time


def spawn(command):
    """Starts `command` with its output thrown away, without a fork of this process."""
    nowhere = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
    return os.posix_spawnp(command[0], command, os.environ, file_actions=nowhere)


class Failed(Exception):
    """A command did not end as expected, so its time means nothing."""


class Skipped(Exception):
    """Something that cannot be measured on this machine, and why."""


def cost(command, expected=(0,)):
    """(wall time, user and system time of the command and of all processes that it waited for), in seconds."""
    began = time.perf_counter()
    _, status, used = os.wait4(spawn(command), 0)
    took = time.perf_counter() - began
    code = os.waitstatus_to_exitcode(status)
    if code not in expected:
        raise Failed(f"{' '.join(command)} ended with {code}")
    return took, used.ru_utime + used.ru_stime


def seconds(command, expected=(0,)):
    """Wall time of one run, start-up included."""
    return cost(command, expected)[0]


# The kernel keeps the largest resident set of every process that was waited for, through all generations. So a fresh
# process that runs nothing else learns the largest of the command and of the cells that the command reaped.
_PEAK = """
import os, resource, sys
nowhere = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1, 2)]
_, status = os.waitpid(os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=nowhere), 0)
print(os.waitstatus_to_exitcode(status), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak_bytes(command, expected=(0,)):
    """Largest resident set of `command` and of each process below it. Never less than what the small Python that
    measures needs itself, about 9 MB: a process begins its life in its parent's memory."""
    told = subprocess.run([sys.executable, "-I", "-S", "-c", _PEAK, *command], capture_output=True, text=True, check=True)
    code, kibibytes = map(int, told.stdout.split())
    if code not in expected:
        raise Failed(f"{' '.join(command)} ended with {code}")
    return kibibytes << 10


def in_turns(commands, rounds, repeats, expected=(0,)):
    """Times `commands`, by name, in turns: `rounds` times each in order, command X `repeats[X]` times per turn, after
    one run of each that is not counted. Whatever else the machine does meanwhile hits all of them alike."""
    for command in commands.values():
        seconds(command, expected)
    samples = {name: [] for name in commands}
    for _ in range(rounds):
        for name, command in commands.items():
            samples[name].append([seconds(command, expected) for _ in range(repeats.get(name, 1))])
    return samples
