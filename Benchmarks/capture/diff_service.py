"""containerd's own diff service, and a push of what it made: what nerdctl's commit does."""

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path

from runner.cost import CostMeter

from capture.limit import CURL
from capture.containers import PodContainer
from capture.curl import CURL
from capture.measured_registry import MeasuredRegistry
from capture.peer import Peer

_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_CONFIG = "application/vnd.oci.image.config.v1+json"
_MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class DiffService(Peer):
    """The container is paused for as long as its difference is being made. Everything goes through containerd's own
    client, `ctr`."""

    name = "containerd diff + push"

    def __init__(self, registry: MeasuredRegistry, container: PodContainer) -> None:
        super().__init__(registry)
        self._container = container
        self._ctr = ["ctr", "--address", str(container.containerd.socket), "--namespace", container.containerd.namespace]
        self.watch = container.watch
        self.root = container.root

    def daemons(self) -> list[int]:
        return [self._container.containerd.pid]

    def capture(self, meter: CostMeter, tag: str) -> None:
        name = f"{self.registry.address}/bench/diff:{tag}"
        before = self._contents()
        meter.run(*self._ctr, "tasks", "pause", self._container.identity)
        try:
            # --keep leaves the layer in containerd's content store; the copy on standard output is for nobody.
            arguments = ("snapshots", "diff", "--keep", "--media-type", _LAYER, self._container.snapshot)
            meter.run(*self._ctr, *arguments, output=Path("/dev/null"))
        finally:
            meter.run(*self._ctr, "tasks", "resume", self._container.identity)
        [layer] = self._contents() - before
        self._push(meter, name, layer, _LAYER)
        config, manifest = self._image(layer)
        self._mount_base(meter, manifest)
        self._push(meter, name, self._ingest(meter, config), _CONFIG)
        self._push(meter, name, self._ingest(meter, manifest), _MANIFEST)

    def _image(self, layer: str) -> tuple[bytes, bytes]:
        """The config and the manifest of the base image with a layer more."""
        info = next(line for line in self._containerd("content", "ls").splitlines() if line.startswith(layer))
        content = self._container.containerd.folder / "root/io.containerd.content.v1.content/blobs"
        size = (content / layer.replace(":", "/")).stat().st_size
        diff_id = info.partition("containerd.io/uncompressed=")[2].split(",")[0].strip()
        base = json.loads(self._containerd("content", "get", self._base_digest()))
        config = json.loads(self._containerd("content", "get", base["config"]["digest"]))
        config["rootfs"]["diff_ids"].append(diff_id)
        config["history"] = config.get("history", []) + [{"created_by": "ctr snapshots diff"}]
        config_bytes = json.dumps(config).encode()
        base["config"] = {"mediaType": _CONFIG, "digest": _digest(config_bytes), "size": len(config_bytes)}
        base["layers"].append({"mediaType": _LAYER, "digest": layer, "size": size})
        base["mediaType"] = _MANIFEST
        return config_bytes, json.dumps(base).encode()

    def _mount_base(self, meter: CostMeter, manifest: bytes) -> None:
        """Lets the registry have the base image's layer in the new repository too, as a push of a whole image does."""
        base = json.loads(manifest)["layers"][0]["digest"]
        uploads = f"http://{self.registry.address}/v2/bench/diff/blobs/uploads/"
        meter.run(*CURL, "--request", "POST", f"{uploads}?mount={base}&from=base/debian")

    def _base_digest(self) -> str:
        for line in self._containerd("images", "ls").splitlines():
            fields = line.split()
            if fields[0] == self.registry.base:
                return fields[2]
        raise LookupError(f"containerd does not have {self.registry.base}")

    def _contents(self) -> set[str]:
        return set(self._containerd("content", "ls", "--quiet").split())

    def _ingest(self, meter: CostMeter, document: bytes) -> str:
        digest = _digest(document)
        with tempfile.NamedTemporaryFile() as file:
            file.write(document)
            file.flush()
            meter.run(
                *self._ctr, "content", "ingest", "--expected-digest", digest, f"bench-{digest}", input=Path(file.name)
            )
        return digest

    def _push(self, meter: CostMeter, name: str, digest: str, media_type: str) -> None:
        meter.run(*self._ctr, "content", "push-object", "--plain-http", name, digest, media_type)

    def _containerd(self, *arguments: str) -> str:
        return subprocess.run([*self._ctr, *arguments], check=True, text=True, stdout=subprocess.PIPE).stdout


def _digest(document: bytes) -> str:
    return "sha256:" + hashlib.sha256(document).hexdigest()
