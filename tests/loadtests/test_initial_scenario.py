from __future__ import annotations

from flashcrowd.target import read_target
from gamedays.verbs import initial
from loadtests import runner


async def test_the_files_to_start_from_play_against_a_platform(platform, run, supervisor, spec, guard, tmp_path):
    initial.write(tmp_path / "mine")
    file = tmp_path / "mine" / "target.yaml"
    ports = {"7001": platform.live_port, "7002": platform.shop_port}
    text = file.read_text()
    for old, port in ports.items():
        text = text.replace(f"127.0.0.1:{old}", f"127.0.0.1:{port}")
    file.write_text(text)
    scenario = tmp_path / "mine" / "scenario.py"
    scenario.write_text(scenario.read_text().replace("between(5, 15)", "between(0.1, 0.3)"))
    load = await runner.start(supervisor, spec(str(scenario)), run, read_target(file), guard)
    await load.wait()
    requests = {row.name: row for row in load.result().requests}
    assert set(requests) == {"connect", "say", "browse", "order"}
    assert not [row for row in requests.values() if row.failures]
    assert platform.joined == 6
