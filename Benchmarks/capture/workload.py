"""The tree that is captured: small texts, a log, noise, and the programs and libraries of this machine."""

import os
import random
import shutil
import subprocess
from pathlib import Path

_VERSION = "1"


def make_workload(cache: Path) -> Path:
    """A folder with the tree, made once: about 25,000 files and 1.3 GB."""
    tree = cache / "workload"
    stamp = cache / "workload.version"
    if stamp.exists() and stamp.read_text() == _VERSION:
        return tree
    shutil.rmtree(tree, ignore_errors=True)
    stamp.unlink(missing_ok=True)
    chance = random.Random(20)
    _write_many(tree / "many", chance)
    (tree / "big").mkdir()
    with (tree / "big/random.bin").open("wb") as file:
        for _ in range(256):
            file.write(chance.randbytes(1 << 20))
    _write_log(tree / "big/text.log", chance)
    (tree / "site").mkdir()
    for folder in ("python3", "x86_64-linux-gnu"):
        subprocess.run(["cp", "--archive", f"/usr/lib/{folder}", tree / "site"], check=True)
    stamp.write_text(_VERSION)
    return tree


def describe_tree(tree: Path) -> str:
    """How much is in a folder."""
    files = 0
    sizes = {}
    for folder, _, names in os.walk(tree):
        files += len(names)
        for name in names:
            status = os.lstat(f"{folder}/{name}")
            sizes[status.st_ino] = status.st_size
    return f"{files:,} files, {sum(sizes.values()) / 1e9:.2f} GB"


def _write_many(folder: Path, chance: random.Random) -> None:
    for part in range(100):
        below = folder / f"{part:02}"
        below.mkdir(parents=True)
        for number in range(200):
            line = f"{part} {number} {chance.randrange(1 << 40):x}: the quick brown fox jumps over the lazy dog\n"
            (below / f"file-{number:03}.txt").write_text(line * chance.randint(1, 400))


def _write_log(path: Path, chance: random.Random) -> None:
    verbs = ("GET", "GET", "GET", "POST", "PUT")
    codes = (200, 200, 200, 204, 304, 404, 500)
    with path.open("w") as file:
        for second in range(4_000_000 // 1000):
            lines = (
                f'10.0.{chance.getrandbits(8)}.{chance.getrandbits(8)} [{second}] "{chance.choice(verbs)} '
                f'/items/{chance.getrandbits(16)} HTTP/1.1" {chance.choice(codes)} {chance.getrandbits(12)}\n'
                for _ in range(1000)
            )
            file.write("".join(lines))
