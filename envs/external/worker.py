"""Plays tasks for another program, which starts this interpreter and talks to it (envs/external/worker_process.hpp).

This is the part that all clients have in common; the text of one client follows it, and calls greet() once. File
descriptors: 0 is empty, 1 and 2 are a log, 3 is a socket for messages, 4 is shared memory, 5 rings when the memory holds
a request and 6 is rung when it holds the answer, 7 is the guard, which ends when the other program does.
"""

import sys

if sys.path and sys.path[0] == "":
    del sys.path[0]  # a file in the working directory must not pass for a module

import faulthandler
import os
import resource
import signal
import struct

SOCKET, MEMORY, REQUEST_BELL, ANSWER_BELL, GUARD = range(3, 8)
MARK = "IMPSWEEP_WORKER"  # in the environment of a worker and of all that it starts
MAGIC, VERSION = 0x57504D49, 1
GREETING = struct.Struct("<IIII")  # magic, version, 1 if the client is ready, bytes of the text that follows
LENGTH = struct.Struct("<I")  # of a text


class Unusable(Exception):
    """Says what is missing or wrong."""


def end_marked():
    """Ends every process but this one that has the mark of this worker in its environment, in whatever session it is."""
    mark = f"{MARK}={os.environ[MARK]}".encode()
    for process in os.listdir("/proc"):
        try:
            if process.isdigit() and int(process) != os.getpid():
                with open(f"/proc/{process}/environ", "rb") as file:
                    if mark in file.read().split(b"\0"):
                        os.kill(int(process), signal.SIGKILL)
        except OSError:
            pass  # it has ended, or is another user's


def start_guard():
    """A child that ends this process, and all that it has started, when the other program is gone: this process may
    then be in a call that never returns."""
    if os.fork() == 0:
        try:
            os.closerange(0, GUARD)
            os.read(GUARD, 1)
            end_marked()
        finally:
            os.killpg(0, signal.SIGKILL)
    os.close(GUARD)


def write_all(content):
    view = memoryview(content)
    while view:
        view = view[os.write(SOCKET, view) :]


def read_exactly(size):
    """Ends the process where the other program has closed the socket."""
    parts = []
    while size > 0:
        part = os.read(SOCKET, size)
        if not part:
            os._exit(0)
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def send_text(text):
    content = text.encode("utf-8", "replace")
    write_all(LENGTH.pack(len(content)) + content)


def receive_text():
    return read_exactly(*LENGTH.unpack(read_exactly(LENGTH.size))).decode()


def greet(ready, text):
    content = text.encode("utf-8", "replace")
    write_all(GREETING.pack(MAGIC, VERSION, ready, len(content)) + content)


def interpreter():
    return f"{sys.executable} (Python {sys.version.split()[0]})"


for descriptor in range(SOCKET, GUARD):
    os.set_inheritable(descriptor, False)  # what a task starts has no part in this
start_guard()
faulthandler.enable()
faulthandler.register(signal.SIGUSR1)  # asks where the program stands
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
