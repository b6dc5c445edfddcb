"""The beginning of a process: its log, its end by SIGTERM, and as many descriptors as this user may have.

Apart from `service`, as the bus is no HTTP service: its start would take four times as long with all that one needs.
"""

import logging
import resource
import signal
import sys

log = logging.getLogger("storefront")


def prepare() -> None:
    """Set all three, before anything else is done."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(name)s %(message)s")
    logging.getLogger("websockets").setLevel(logging.WARNING)  # else two lines for every viewer
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
