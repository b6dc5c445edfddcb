import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

SCRIPT = textwrap.dedent(
    """
    import asyncio, sys
    from flashcrowd.interrupt import Interrupted, run

    async def main():
        print("running", flush=True)
        try:
            await asyncio.sleep(600)
        finally:
            print("healing", flush=True)
            await asyncio.sleep(0.5)
            print("healed", flush=True)

    try:
        run(main())
    except Interrupted as error:
        print(error, flush=True)
        sys.exit(error.exit_code)
    """
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_does_not_skip_the_healing(number):
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "running\n"
    process.send_signal(number)
    assert process.stdout.readline() == "healing\n"
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert out == f"healed\nstopped by {number.name}\n"
    assert "still healing" in err
    assert process.returncode == 130
