"""What docs/portability.md says of images alone, by its own command: of the rest of the page see test_moves.py, and of engines that
know nothing of Stasis the Swift tests of captures."""

import json
import os
import subprocess

from cluster.box import Boxes, run, wait_for_snapshot, wait_for_state
from cluster.page import Page
from sdk import Sdk
from testbed import Cluster
from wire import Wire


def test_created_from_an_image_alone(manager: Sdk, boxes: Boxes, cluster: Cluster, wire: Wire) -> None:
    sdk = manager
    source = boxes.create(sdk, env={"SECRET": "planted-4711"})
    run(sdk, source, "echo kept >/kept")
    snapshot = wait_for_snapshot(wire, sdk(source.create_snapshot()).id, "Ready")
    part = snapshot["artifact"]["parts"][0]
    image = f"{part['reference'].rpartition(':')[0]}@{part['digest']}"
    # Another registry, which asks for no login: it can be anybody's.
    copied = f"{cluster.registry}/{cluster.namespace}/elsewhere"
    copy = ["skopeo", "--insecure-policy", "copy", "--quiet", "--preserve-digests"]
    copy += ["--src-tls-verify=false", "--dest-tls-verify=false", "--authfile", cluster.environment["STASIS_TESTBED_LOGIN"]]
    subprocess.run([*copy, f"docker://{image}", f"docker://{copied}:1"], check=True)
    image = f"{copied}@{part['digest']}"
    # Somebody else's, as far as anybody can tell: nothing but the image is left of it.
    sdk(source.kill())
    sdk(sdk.manager.delete_snapshot(snapshot["id"]))

    (command,) = Page("portability.md").take("Creating from an image alone")
    command = command.replace("https://sandboxes.example", f"http://{wire.address}")
    start = command.index("registry.example/")
    command = command[:start] + image + command[command.index('"', start):]
    answer = subprocess.run(
        ["bash", "-euc", command], check=True, text=True, stdout=subprocess.PIPE, env=os.environ | {"KEY": wire.key or ""}
    ).stdout
    made = json.loads(answer)
    boxes.made.append(made["id"])
    wait_for_state(wire, made["id"], "Running")
    box = sdk(sdk.Sandbox.connect(made["id"], connection_config=sdk.config))
    assert run(sdk, box, 'cat /kept; echo "<$SECRET>"').split() == ["kept", "<>"]
    info = wire.get(f"/v1/sandboxes/{made['id']}").json
    assert info["entrypoint"], info


def test_an_image_that_is_no_snapshot_says_too_little(boxes: Boxes, wire: Wire) -> None:
    answer = boxes.post(wire, {"entrypoint": None, "resourceLimits": None})
    assert answer.status == 422, answer.body
