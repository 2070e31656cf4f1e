"""Every command of the section on moving of docs/portability.md, with real servers."""

import os
import re
import subprocess
from pathlib import Path

from moves.world import World, until

PAGE = Path(__file__).resolve().parents[3] / "docs" / "portability.md"


def blocks() -> dict[str, str]:
    """The commands of the section, by their names."""
    section = PAGE.read_text().split("## Moving a sandbox", 1)[1].split("\n## ", 1)[0]
    found = dict(re.findall(r"^<!-- tested: (\w+) -->\n```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL))
    assert len(found) == len(re.findall(r"^```sh$", section, re.MULTILINE)), "a command of the section is not tried"
    return found


def test_the_section(both: World, program: Path) -> None:
    commands = blocks()
    cluster, machine = both.cluster, both.machine
    sandbox_id = machine.create(both.kube.image)

    def follow(name: str, side: object, **values: str) -> str:
        environment = {
            "PATH": f"{program.parent}:{os.environ['PATH']}", "HOME": os.environ.get("HOME", "/root"), "ID": sandbox_id,
            "SERVER": f"http://{side.server.address}", "TARGET": side.other, "KEY": side.server.key,
        } | values
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands.pop(name)], env=environment, text=True, capture_output=True, timeout=180
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    machine.run(sandbox_id, "echo kept >/kept")
    assert follow("there", machine).split()[0] == sandbox_id
    assert cluster.run(sandbox_id, "cat /kept").strip() == "kept"
    assert '"phase":"Moved"' in follow("api", cluster)
    assert machine.run(sandbox_id, "cat /kept").strip() == "kept"
    # What was kept at the cluster is used on purpose, and so is another sandbox from here on.
    machine.wire.send("DELETE", f"/v1/sandboxes/{sandbox_id}")
    assert cluster.wire.send("DELETE", f"/v1/sandboxes/{sandbox_id}/move").status == 204
    local = {"LOCAL": f"http://{machine.server.address}", "LOCAL_KEY": machine.server.key}
    assert follow("local", cluster, **local).split()[0] == sandbox_id
    assert machine.run(sandbox_id, "cat /kept").strip() == "kept"
    hold = cluster.proxy.hold("POST /v1/sandboxes ")
    assert machine.start(sandbox_id).status == 202
    hold.wait()
    follow("cancel", machine, STASIS_MOVE_KEY=machine.server.key)
    assert machine.finish(sandbox_id)["phase"] == "Cancelled"
    hold.cut()
    until(lambda: machine.state(sandbox_id) == "Running")
    assert not commands, f"nobody tries {list(commands)}"
