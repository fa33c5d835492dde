"""Runs a program, and kills it as it enters its N-th call that changes a file.

    stepper.py FOLDER CALLS PROGRAM ARGUMENTS...

A seccomp filter hands every call of CALLS (names with commas, or `all`) of the program to us before the system does
it, whichever thread makes it: one count for the whole process, and the call that it is killed at is not done. Calls
that write to what is no file below FOLDER, to a socket for instance, are not counted. The program is not traced: what
it does about tracers stays as it is.

On standard input: `N` counts from here and kills at the N-th call, `off` ends that. On standard output `started`, or
`cannot WHY` and nothing runs; among what the program says `armed`, then `killed CALL`, or to `off` `passed COUNT`.
"""

import ctypes
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import sys

# Numbers of x86_64.
CALLS = {
    "write": 1, "pwrite64": 18, "writev": 20, "pwritev": 296, "pwritev2": 328, "sendfile": 40,
    "copy_file_range": 326, "ftruncate": 77, "fallocate": 285, "fsync": 74, "fdatasync": 75,
    "sync_file_range": 277, "msync": 26, "truncate": 76, "creat": 85, "open": 2, "openat": 257, "openat2": 437,
    "rename": 82, "renameat": 264, "renameat2": 316, "link": 86, "linkat": 265, "symlink": 88, "symlinkat": 266,
    "unlink": 87, "unlinkat": 263, "rmdir": 84, "mkdir": 83, "mkdirat": 258, "io_uring_setup": 425,
}
# Whose first argument is what they write to.
TO_A_FILE = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "sendfile"}
# Where the flags are of those that may only read.
FLAGS = {"open": 1, "openat": 2}
CHANGES = os.O_CREAT | os.O_TRUNC

AUDIT_ARCH_X86_64 = 0xC000003E
LOAD, EQUAL, ANY_BIT, RETURN = 0x20, 0x15, 0x45, 0x06
ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
SECCOMP, SET_MODE_FILTER, NEW_LISTENER = 317, 1, 8
PIDFD_GETFD, SET_DEATH_SIGNAL = 438, 1
RECEIVE, SEND, CONTINUE = 0xC0502100, 0xC0182101, 1

libc = ctypes.CDLL(None, use_errno=True)


def call(number, *arguments):
    result = libc.syscall(number, *arguments)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def filter_of(names):
    """The listener's end of a filter that is in force for this process from now on."""
    program = [(LOAD, 0, 0, 4), (EQUAL, 1, 0, AUDIT_ARCH_X86_64), (RETURN, 0, 0, ALLOW), (LOAD, 0, 0, 0)]
    for name in names:
        if name in FLAGS:
            low_half = 16 + 8 * FLAGS[name]
            program += [(EQUAL, 0, 4, CALLS[name]), (LOAD, 0, 0, low_half), (ANY_BIT, 0, 1, CHANGES)]
            program += [(RETURN, 0, 0, NOTIFY), (RETURN, 0, 0, ALLOW)]
        else:
            program += [(EQUAL, 0, 1, CALLS[name]), (RETURN, 0, 0, NOTIFY)]
    program.append((RETURN, 0, 0, ALLOW))
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *line) for line in program))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxQ", len(program), ctypes.addressof(code)))
    return call(SECCOMP, SET_MODE_FILTER, NEW_LISTENER, head)


def started(names, argv):
    """The program's process, which has yet to become the program, the listener, and what lets it go on."""
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        try:
            # It does not outlive us.
            libc.prctl(SET_DEATH_SIGNAL, signal.SIGKILL)
            # Nothing after this writes: nobody would answer yet.
            socket.send_fds(theirs, [b"!"], [filter_of(names)])
            theirs.recv(1)
            os.execvpe(argv[0], argv, {})
        except OSError as error:
            theirs.sendmsg([str(error).encode()])
        finally:
            os._exit(127)
    theirs.close()
    said, listeners, _, _ = socket.recv_fds(ours, 1024, 1)
    if not listeners:
        raise OSError(said.decode())
    return child, listeners[0], ours


def is_below(folder, pidfd, number):
    """Whether this descriptor of the program is a file below the folder."""
    try:
        copy = call(PIDFD_GETFD, pidfd, number, 0)
    except OSError as error:
        if error.errno == errno.EBADF:
            return False
        raise
    try:
        return os.readlink(f"/proc/self/fd/{copy}").startswith(folder + "/")
    finally:
        os.close(copy)


def say(text):
    os.write(1, (text + "\n").encode())


def main():
    folder, wanted, *argv = sys.argv[1:]
    if os.uname().machine != "x86_64":
        return say(f"cannot count the system calls of {os.uname().machine}")
    names = list(CALLS) if wanted == "all" else wanted.split(",")
    called = {CALLS[name]: name for name in names}
    try:
        child, listener, gate = started(names, argv)
    except OSError as error:
        return say(f"cannot start it under a filter: {error}")
    say("started")
    gate.send(b"!")
    pidfd = os.pidfd_open(child)
    poll = select.poll()
    for watched in (0, listener, pidfd):
        poll.register(watched, select.POLLIN)
    orders = os.fdopen(0, "rb", buffering=0)
    at, count = 0, 0
    while True:
        ready = {descriptor for descriptor, _ in poll.poll()}
        if pidfd in ready:
            return say(f"ended {os.waitpid(child, 0)[1]}")
        if 0 in ready:
            line = orders.readline().strip()
            if not line:
                break
            if line == b"off":
                say(f"passed {count}")
                at = 0
            else:
                at, count = int(line), 0
                say("armed")
        if listener in ready:
            asked = bytearray(80)
            try:
                fcntl.ioctl(listener, RECEIVE, asked)
            except OSError:
                # Whoever made the call is gone.
                continue
            ident, _, _, number, _, _, first = struct.unpack_from("QIIiIQQ", asked)
            name = called[number]
            if at and (name not in TO_A_FILE or is_below(folder, pidfd, first & 0xFFFFFFFF)):
                count += 1
                if count == at:
                    os.kill(child, signal.SIGKILL)
                    os.waitpid(child, 0)
                    return say(f"killed {name}")
            try:
                fcntl.ioctl(listener, SEND, bytearray(struct.pack("QqiI", ident, 0, 0, CONTINUE)))
            except OSError:
                continue
    # Whoever started us has gone.
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


main()
