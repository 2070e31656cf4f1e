"""The registry that everybody pushes to: Debian's docker-registry on loopback, its storage in memory."""

import shutil
import subprocess
from pathlib import Path

from testbed.registry import Registry


class MeasuredRegistry(Registry):
    """A registry that can forget what was pushed, and tells how much that was.

    Its storage is in memory, so that what is measured is programs and not a disk: it syncs every upload.
    """

    def __init__(self, folder: Path, base: str) -> None:
        super().__init__(folder)
        self._data = folder / "data"
        self._kept = folder / "kept"
        self.base = f"{self.address}/base/debian:1"
        subprocess.run(
            ["skopeo", "--insecure-policy", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{base}"]
            + [f"docker://{self.base}"],
            check=True,
        )
        shutil.copytree(self._data, self._kept)

    def forget(self) -> None:
        """Has nothing but the base image again."""
        shutil.rmtree(self._data)
        shutil.copytree(self._kept, self._data)

    def stored_bytes(self) -> int:
        """The bytes in all blobs: layers, configs and manifests, each counted once."""
        return sum(path.stat().st_size for path in self._data.glob("docker/registry/v2/blobs/*/*/*/data"))
