"""The image that all containers start from: Debian's minbase, made of Debian's own packages."""

import platform
import subprocess
from pathlib import Path

_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_SOURCES = ("/etc/apt/sources.list", "/etc/apt/sources.list.d/debian.sources")
_RELEASE = "bookworm"


def make_base_image(cache: Path) -> str:
    """An image-layout folder with the image, made once, as skopeo and umoci name images: `<folder>:<tag>`."""
    layout = cache / f"debian-{_RELEASE}-minbase"
    if not layout.exists():
        unfinished = layout.with_suffix(".unfinished")
        archive = layout.with_suffix(".tar")
        _run("rm", "-rf", unfinished, archive)
        sources = [path for path in _SOURCES if Path(path).exists()]
        _run("mmdebstrap", "--quiet", "--variant=minbase", _RELEASE, archive, *sources)
        _make_layout(unfinished, archive)
        archive.unlink()
        unfinished.rename(layout)
    return f"{layout}:1"


def _make_layout(layout: Path, archive: Path) -> None:
    image = f"{layout}:1"
    machine = platform.machine()
    _run("umoci", "init", "--layout", layout)
    _run("umoci", "new", "--image", image)
    _run("umoci", "raw", "add-layer", "--image", image, archive)
    _run(
        "umoci", "config", "--image", image, "--os", "linux", "--architecture", _ARCHITECTURES.get(machine, machine),
        "--config.cmd", "bash", "--config.env", "PATH=/usr/sbin:/usr/bin:/sbin:/bin",
    )  # fmt: skip


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True)
