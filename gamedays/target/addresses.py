"""Addresses of one embedded target: the ports of its processes, and where each writes its process id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from pathlib import Path

from flashcrowd.process import free_port

HOST = "127.0.0.1"
LIVE_PROCESSES = 2
LOAD_JOB = "flashcrowd"
FAULTS_JOB = "flashcrowd-faults"
OUR_JOBS = (LOAD_JOB, FAULTS_JOB)
"""What runs only now and then; the others are the storefront's."""


@dataclass(frozen=True)
class Addresses:
    """All ports are free when it is made. pids: the folder of the processes' pidfiles."""

    live_processes: InitVar[int] = LIVE_PROCESSES
    pids: Path = Path("pids")
    bus_in: int = field(default_factory=free_port)
    bus_out: int = field(default_factory=free_port)
    live: int = field(default_factory=free_port)
    live_admin: int = field(default_factory=free_port)
    live_metrics: tuple[int, ...] = field(init=False)
    shop: int = field(default_factory=free_port)
    shop_link: int = field(default_factory=free_port)
    inventory: int = field(default_factory=free_port)
    inventory_link: int = field(default_factory=free_port)
    stream: int = field(default_factory=free_port)
    origin: int = field(default_factory=free_port)
    backup_origin: int = field(default_factory=free_port)
    events: int = field(default_factory=free_port)
    toxiproxy: int = field(default_factory=free_port)
    load: int = field(default_factory=free_port)
    faults: int = field(default_factory=free_port)
    caretaker: int = field(default_factory=free_port)

    def __post_init__(self, live_processes: int) -> None:
        object.__setattr__(self, "live_metrics", tuple(free_port() for _ in range(live_processes)))

    def pidfile(self, name: str) -> Path:
        """Where the process of that name has its id."""
        return self.pids / f"{name}.pid"

    def scrape(self) -> Mapping[str, Sequence[str]]:
        """The processes that export metrics by job: the storefront's, the load's, and who injects faults."""
        jobs = {
            "shop": (self.shop,),
            "inventory": (self.inventory,),
            "live": self.live_metrics,
            "stream": (self.stream,),
            "origin": (self.origin, self.backup_origin),
            "events": (self.events,),
            LOAD_JOB: (self.load,),
            FAULTS_JOB: (self.faults,),
        }
        return {job: [f"{HOST}:{port}" for port in ports] for job, ports in jobs.items()}


def http(port: int) -> str:
    """The URL of the service on that port."""
    return f"http://{HOST}:{port}"
