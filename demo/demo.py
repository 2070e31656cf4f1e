"""Shows what Stasis does: a sandbox is paused into an OCI image, its compute is released, and it comes back.

Everything is real and everything is ours: a containerd, a registry and a stasis-server in a temporary folder. Whatever
happens, they are ended and the folder is deleted.
"""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "scripts"))

from api import Api, ApiError
from terminal import Terminal, size
from testbed import (
    DaemonError,
    Fingerprint,
    FreezeWatch,
    Shell,
    ShellError,
    Testbed,
    compare,
    fingerprint_of_folder,
    fingerprint_of_sandbox,
)

# What the sandbox does to its root filesystem: some of everything that a layer has to carry.
CHANGES = r"""
set -e
mkdir -p /work/many "/work/names with spaces"
dd if=/dev/urandom of=/work/random bs=1M count=128 2>/dev/null      # does not compress
seq 1 1000000 >/tmp/numbers
for i in $(seq 10); do cat /tmp/numbers; done >/work/text           # compresses well
rm /tmp/numbers
truncate -s 64M /work/sparse                                        # only a hole
for i in $(seq 3000); do echo "file $i" >/work/many/$i; done
echo data >"/work/names with spaces/naïve ☃"
touch "/work/names with spaces/$(printf 'not utf-8 \377')"
ln /work/random /work/random-by-another-name
ln -s ../etc/passwd /work/link
mkfifo -m 640 /work/pipe
chmod 4711 /bin/busybox                                             # a file of the base image, changed
rm /bin/vi                                                          # one deleted
rm -r /usr/bin && mkdir /usr/bin && echo new >/usr/bin/other        # a directory replaced by a new one
chown -R 1000:1000 /work/many
touch -d '2001-02-03 04:05:06' /work/text
"""


class DemoFailure(Exception):
    """Something that the demonstration claims did not hold."""


def main(program: Path) -> None:
    terminal = Terminal()
    started = time.monotonic()
    terminal.step("A containerd, a registry and stasis-server start in a temporary folder.")
    with Testbed(program, "stasis-demo") as testbed:
        try:
            show(terminal, testbed)
        except Exception:
            print(f"\nThe last lines of stasis-server's log:\n{testbed.server.end_of_log()}", file=sys.stderr)
            raise
        terminal.step("Everything that was started is ended, and the temporary folder is deleted.")
    terminal.fact("left behind", "only the build folder and the Debian packages that were missing")
    terminal.fact("took", f"{time.monotonic() - started:.0f} s without the build")


def show(terminal: Terminal, testbed: Testbed) -> None:
    api = Api(testbed.server.address, testbed.server.key, terminal.note)
    terminal.fact("API", f"http://{testbed.server.address}/v1")
    terminal.fact("registry", testbed.registry.address)

    terminal.step("A sandbox is created over the OpenSandbox API.")
    identity, shell = create(api, testbed)
    terminal.fact("id", identity)
    terminal.fact("image", testbed.image)
    terminal.fact("address", shell.endpoint)

    terminal.step("It changes its root filesystem: large files, small files, links, modes, owners, deletions.")
    shell.run(CHANGES)
    before = fingerprint_of_sandbox(shell)
    terminal.fact("files", f"{len(before.entries)}, with {size(before.size)} in them")
    terminal.fact("fingerprint", before.digest)
    traces = testbed.traces(identity, shell.endpoint)

    terminal.step("It is paused: frozen, captured into an image, and its compute released.")
    with FreezeWatch(traces.pids[0]) as freeze:
        paused = pause(terminal, api, identity)
    counted = paused["artifact"]["statistics"]["frozenMilliseconds"]
    terminal.fact("frozen for", f"{counted} ms; {freeze.milliseconds} ms until it was killed, by the kernel's cgroup files")
    part = paused["artifact"]["parts"][0]
    show_image(terminal, part)
    if left := traces.left():
        raise DemoFailure(f"the paused sandbox still has {', '.join(left)}")
    terminal.proof(
        f"nothing of it runs: its {len(traces.processes)} process(es), {len(traces.mounts)} mount(s), "
        f"{len(traces.namespaces)} network namespace(s) and its address are gone"
    )

    terminal.step("It is resumed from that image, by digest.")
    clock = time.monotonic()
    shell = resume(api, identity)
    terminal.fact("took", f"{time.monotonic() - clock:.2f} s until it answered")
    terminal.proof(f"the id is the same: {api.sandbox(identity)['id']}")
    after = fingerprint_of_sandbox(shell)
    expect_equal(before, after, "the resumed sandbox")
    terminal.proof(f"so is every file: {after.digest}")

    terminal.step("Tools that are not ours open the image: skopeo inspects it, umoci unpacks it.")
    unpacked = unpack(terminal, testbed, part, before)
    expect_equal(before, unpacked, "the unpacked image")
    terminal.proof("names, contents, modes, owners, links and times are those of the sandbox")

    terminal.step("The sandbox is deleted.")
    api.request("DELETE", f"/sandboxes/{identity}")
    wait_until_gone(api, testbed, identity)
    terminal.proof("no container, mount, network namespace, address or lease is left")


def create(api: Api, testbed: Testbed) -> tuple[str, Shell]:
    answer = api.request(
        "POST",
        "/sandboxes",
        {
            "image": {"uri": testbed.image},
            "entrypoint": ["stasis-responder"],
            "resourceLimits": {"cpu": "1", "memory": "512Mi"},
            "metadata": {"made-by": "demo"},
        },
    )
    identity = answer["id"]
    api.wait_for(identity, "Running", passing="Pending")
    return identity, connect(api, identity)


def connect(api: Api, identity: str) -> Shell:
    shell = Shell(api.request("GET", f"/sandboxes/{identity}/endpoints/44772")["endpoint"])
    shell.wait()
    return shell


def pause(terminal: Terminal, api: Api, identity: str) -> dict:
    clock = time.monotonic()
    api.request("POST", f"/sandboxes/{identity}/pause")
    bar = terminal.progress()

    def draw(sandbox: dict) -> None:
        if progress := sandbox["status"].get("progress"):
            bar.show(progress["stage"], progress["bytesRead"], progress.get("bytesTotal"))

    try:
        paused = api.wait_for(identity, "Paused", passing="Pausing", each=draw)
    finally:
        bar.close()
    terminal.fact("took", f"{time.monotonic() - clock:.2f} s")
    return paused


def resume(api: Api, identity: str) -> Shell:
    api.request("POST", f"/sandboxes/{identity}/resume")
    api.wait_for(identity, "Running", passing="Resuming")
    return connect(api, identity)


def show_image(terminal: Terminal, part: dict) -> None:
    terminal.fact("image", part["reference"])
    terminal.fact("digest", part["digest"])
    for number, layer in enumerate(json.loads(skopeo("inspect", "--raw", by_digest(part)))["layers"], start=1):
        terminal.fact(f"layer {number}", f"{layer['digest']}  {size(layer['size'])}")


def unpack(terminal: Terminal, testbed: Testbed, part: dict, before: Fingerprint) -> Fingerprint:
    facts = json.loads(skopeo("inspect", by_digest(part)))
    terminal.fact("skopeo says", f"{facts['Os']}/{facts['Architecture']}, {len(facts['Layers'])} layers, {facts['Digest']}")
    layout, bundle = testbed.folder / "checked", testbed.folder / "bundle"
    skopeo("copy", "--quiet", "--src-tls-verify=false", by_digest(part), f"oci:{layout}:checked")
    run("umoci", "unpack", "--image", f"{layout}:checked", str(bundle))
    terminal.fact("umoci says", "unpacked")
    return fingerprint_of_folder(bundle / "rootfs", before.mounts)


def by_digest(part: dict) -> str:
    repository = part["reference"].rsplit(":", 1)[0]
    return f"docker://{repository}@{part['digest']}"


def skopeo(command: str, *arguments: str) -> str:
    insecure = ["--tls-verify=false"] if command == "inspect" else []
    return run("skopeo", "--insecure-policy", command, *insecure, *arguments)


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise DemoFailure(f"{' '.join(command)} ended with code {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def expect_equal(expected: Fingerprint, found: Fingerprint, what: str) -> None:
    if differences := compare(expected, found):
        raise DemoFailure(f"{what} differs:\n  " + "\n  ".join(differences))


def wait_until_gone(api: Api, testbed: Testbed, identity: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        listed = [sandbox["id"] for sandbox in api.request("GET", "/sandboxes")["items"]]
        left = testbed.everything_left()
        if identity not in listed and not left:
            return
        if time.monotonic() > deadline:
            raise DemoFailure(f"after the delete there is still {', '.join(left) or 'the sandbox in the list'}")
        time.sleep(0.1)


def stop(number: int, frame: object) -> None:
    # Only once: the clean-up that follows is not to be interrupted by an impatient second Ctrl-C.
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, signal.SIG_IGN)
    sys.exit(128 + number)


if __name__ == "__main__":
    for kind in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(kind, stop)
    try:
        main(Path(sys.argv[1]))
    except (ApiError, DaemonError, DemoFailure, ShellError) as error:
        Terminal().failure(str(error))
        sys.exit(1)
