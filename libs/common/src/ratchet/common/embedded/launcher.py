"""Exec a program that ends with its parent, if asked as another user. Run by path, imports only the stdlib.

Usage: launcher.py [--signal N] [--parent PID] [--userns | --account NAME] -- PROGRAM [ARGUMENT...]
"""

import argparse
import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1
EXIT_NO_NAMESPACE = 97
MAPPED_ID = 1000


def enter_user_namespace(libc: ctypes.CDLL) -> None:
    """Make this process believe that it is user 1000, or exit with 97; files stay the caller's."""
    uid, gid = os.geteuid(), os.getegid()
    if libc.unshare(CLONE_NEWUSER) != 0:
        sys.exit(EXIT_NO_NAMESPACE)
    try:
        Path("/proc/self/setgroups").write_text("deny")
        Path("/proc/self/uid_map").write_text(f"{MAPPED_ID} {uid} 1")
        Path("/proc/self/gid_map").write_text(f"{MAPPED_ID} {gid} 1")
    except OSError:
        sys.exit(EXIT_NO_NAMESPACE)


def become(name: str) -> None:
    """Drop root rights for good."""
    account = pwd.getpwnam(name)
    os.setgroups([])
    os.setgid(account.pw_gid)
    os.setuid(account.pw_uid)


def main() -> None:
    """Parse the arguments, prepare the process, replace it by the program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--signal", type=int, default=signal.SIGTERM)
    parser.add_argument("--parent", type=int, default=0)
    parser.add_argument("--userns", action="store_true")
    parser.add_argument("--account")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    linux = sys.platform == "linux"
    if linux:
        libc = ctypes.CDLL(None, use_errno=True)
        if options.userns:
            enter_user_namespace(libc)
    if options.account:
        become(options.account)
    if linux:
        # After the change of credentials: the kernel clears the parent-death signal there.
        libc.prctl(PR_SET_PDEATHSIG, options.signal, 0, 0, 0)
        if options.parent and os.getppid() != options.parent:
            sys.exit(1)
    os.execvp(options.program[0], options.program)  # noqa: S606 - the whole purpose of this file


if __name__ == "__main__":
    main()
