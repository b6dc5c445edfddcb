"""Lifeline: a child that the kernel kills when its parent dies, whatever it dies of."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with(parent: int) -> None:
    """In the child, right after its fork: be killed when the parent dies, also if it died a moment ago.

    To the kernel (prctl(2), PR_SET_PDEATHSIG) the parent is the thread that forked, so that one has to live as long as
    the child shall. The tie outlasts the child's exec, but not a fork of its own. Elsewhere than on Linux this does
    nothing.
    """
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
