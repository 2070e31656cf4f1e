"""How fast a capture could be on this machine at best: its parts, each done alone by a program made for it."""

import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from runner.cost import CostMeter, cpu_seconds

from capture.curl import CURL
from capture.measured_registry import MeasuredRegistry


@dataclass(frozen=True)
class Part:
    """One part of the work, and the CPU time that it takes, in seconds."""

    name: str
    how: str
    cpu: float


def measure_limit(tree: Path, registry: MeasuredRegistry, scratch: Path) -> list[Part]:
    """The parts of capturing a tree. All files are in memory: the tree's in the page cache, the others in `scratch`."""
    archive, blob = scratch / "layer.tar", scratch / "layer.tar.gz"
    try:
        _archive(tree)
        parts = [Part("walk, read and pack", "GNU tar into a pipe", _archive(tree))]
        subprocess.run(["tar", "--create", "--file", archive, "--directory", tree, "."], check=True)
        parts.append(Part("hash the tar", "openssl dgst -sha256", _hash(archive)))
        parts.append(Part("compress", "igzip -1", _compress(archive, blob)))
        archive.unlink()
        parts.append(Part("hash the blob", "openssl dgst -sha256", _hash(blob)))
        parts.append(Part("upload", "curl, one request; with the registry's own time", _upload(blob, registry)))
        return parts
    finally:
        archive.unlink(missing_ok=True)
        blob.unlink(missing_ok=True)


def _archive(tree: Path) -> float:
    # tar reads nothing if it sees that its output is thrown away; cat's part is small, and counted.
    with CostMeter([]) as meter:
        meter.run("bash", "-c", 'tar --create --directory "$0" . | cat >/dev/null', tree)
    return meter.cost.cpu


def _hash(file: Path) -> float:
    with CostMeter([]) as meter:
        meter.run("openssl", "dgst", "-sha256", file)
    return meter.cost.cpu


def _compress(archive: Path, blob: Path) -> float:
    with CostMeter([]) as meter:
        meter.run("igzip", "-1", "-c", archive, output=blob)
    return meter.cost.cpu


def _upload(blob: Path, registry: MeasuredRegistry) -> float:
    digest = subprocess.run(["sha256sum", blob], check=True, text=True, stdout=subprocess.PIPE).stdout.split()[0]
    repository = f"http://{registry.address}/v2/bench/limit"
    started = urllib.request.urlopen(urllib.request.Request(f"{repository}/blobs/uploads/", method="POST"))
    before = cpu_seconds(registry.pid)
    with CostMeter([]) as meter:
        answer = meter.run(
            *CURL, "--dump-header", "-", "--request", "PATCH",
            "--header", "Content-Type: application/octet-stream", "--upload-file", blob, started.headers["Location"],
        )  # fmt: skip
        location = next(line.split(": ", 1)[1] for line in answer.splitlines() if line.lower().startswith("location:"))
        meter.run(*CURL, "--request", "PUT", f"{location}&digest=sha256:{digest}")
    return meter.cost.cpu + cpu_seconds(registry.pid) - before
