"""What a tree of files is: names, kinds, contents, modes, owners, links and times.

A fingerprint is taken inside a sandbox, by its own busybox, or of a folder, by Python. Two of them are compared file by
file. Mounts are left out (/proc, /dev, /etc/hosts ...): they are not part of an image. So are the times of the root
directory itself, which belong to whoever mounts it.
"""

import hashlib
import os
import re
import stat
from collections import defaultdict
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

from testbed.containerd import unescape_mount_point
from testbed.shell import Shell

_SCRIPT = r"""
cat /proc/mounts
echo '#entries'
find / -xdev -print0 | xargs -0 stat -c '%f|%u|%g|%s|%h|%i|%y|%t:%T|%n|%N'
echo '#contents'
find / -xdev -type f -print0 | xargs -0 sha256sum
"""


@dataclass(frozen=True)
class Entry:
    """One file, as far as an image keeps it."""

    kind: str
    mode: int
    owner: int
    group: int
    modified: int  # nanoseconds since 1970
    size: int  # of a regular file
    sha256: str  # of a regular file
    target: str  # of a symbolic link
    device: str  # of a device node, major:minor
    first_name: str  # of a file with several names: the one that sorts first


@dataclass(frozen=True)
class Fingerprint:
    """A tree: its entries by absolute path, and the mount points that were left out of it."""

    entries: dict[str, Entry]
    mounts: frozenset[str]

    @property
    def digest(self) -> str:
        """One number for the whole tree."""
        lines = (f"{name}\0{entry}\n" for name, entry in sorted(self.entries.items()))
        return hashlib.sha256("".join(lines).encode(errors="surrogateescape")).hexdigest()

    @property
    def size(self) -> int:
        """The bytes in its regular files, each counted once."""
        return sum(entry.size for name, entry in self.entries.items() if entry.first_name in ("", name))


def fingerprint_of_sandbox(shell: Shell) -> Fingerprint:
    """Takes the fingerprint of a running sandbox, inside it."""
    mounts_part, rest = shell.run(_SCRIPT).split("#entries\n", 1)
    entries_part, contents_part = rest.split("#contents\n", 1)
    mounts = {unescape_mount_point(line.split(" ")[1]) for line in mounts_part.splitlines()} - {"/"}
    sums = {line[66:]: line[:64] for line in contents_part.splitlines()}
    raw = []
    for line in entries_part.splitlines():
        mode, owner, group, size, names, inode, modified, device, rest = line.split("|", 8)
        bits = int(mode, 16)
        # `name|'name'`, or `name|'name' -> 'target'` for a symbolic link.
        if stat.S_ISLNK(bits):
            name, target = re.fullmatch(r"(.*)\|'\1' -> '(.*)'", rest).groups()
        else:
            name, target = re.fullmatch(r"(.*)\|'?\1'?", rest).group(1), ""
        numbers = ":".join(str(int(part, 16)) for part in device.split(":"))
        raw.append(
            (name, bits, int(owner), int(group), int(size), int(names), (0, int(inode)), _nanoseconds(modified), numbers, target)
        )
    return _fingerprint(raw, sums, frozenset(mounts))


def fingerprint_of_folder(folder: Path, mounts: frozenset[str] = frozenset()) -> Fingerprint:
    """Takes the fingerprint of a folder that holds a root filesystem. `mounts` are left out, as they were in a sandbox."""
    raw = []
    sums = {}
    top = os.fspath(folder)
    pending = [""]
    while pending:
        name = pending.pop()
        if name in mounts:
            continue
        path = top + name
        status = os.lstat(path)
        target = os.readlink(path) if stat.S_ISLNK(status.st_mode) else ""
        if stat.S_ISREG(status.st_mode):
            with open(path, "rb") as file:
                sums[name] = hashlib.file_digest(file, "sha256").hexdigest()
        if stat.S_ISDIR(status.st_mode):
            pending.extend(f"{name}/{child}" for child in os.listdir(path))
        numbers = f"{os.major(status.st_rdev)}:{os.minor(status.st_rdev)}"
        raw.append(
            (
                name or "/",
                status.st_mode,
                status.st_uid,
                status.st_gid,
                status.st_size,
                status.st_nlink,
                (status.st_dev, status.st_ino),
                status.st_mtime_ns,
                numbers,
                target,
            )
        )
    return _fingerprint(raw, sums, mounts)


def compare(expected: Fingerprint, found: Fingerprint, limit: int = 20) -> list[str]:
    """The differences, a line each, at most `limit` of them. None: the trees are equal."""
    mounts = expected.mounts | found.mounts
    differences = []
    for name in sorted(expected.entries.keys() | found.entries.keys()):
        if _below(name, mounts):
            continue
        before, after = expected.entries.get(name), found.entries.get(name)
        if before is None:
            differences.append(f"{name}: is new")
        elif after is None:
            differences.append(f"{name}: is gone")
        elif before != after:
            changed = (
                f"{field.name} {getattr(before, field.name)!r} became {getattr(after, field.name)!r}"
                for field in fields(Entry)
                if getattr(before, field.name) != getattr(after, field.name)
            )
            differences.append(f"{name}: {', '.join(changed)}")
    if len(differences) > limit:
        differences[limit:] = [f"... and {len(differences) - limit} more"]
    return differences


def _fingerprint(raw: list[tuple], sums: dict[str, str], mounts: frozenset[str]) -> Fingerprint:
    kept = [row for row in raw if not _below(row[0], mounts)]
    names_of_inode = defaultdict(list)
    for name, bits, _, _, _, names, inode, *_ in kept:
        if names > 1 and not stat.S_ISDIR(bits):
            names_of_inode[inode].append(name)
    entries = {}
    for name, bits, owner, group, size, names, inode, modified, numbers, target in kept:
        regular = stat.S_ISREG(bits)
        linked = sorted(names_of_inode.get(inode, ()))
        entries[name] = Entry(
            kind=stat.filemode(bits)[0],
            mode=stat.S_IMODE(bits),
            owner=owner,
            group=group,
            modified=0 if name == "/" else modified,
            size=size if regular else 0,
            sha256=sums.get(name, "") if regular else "",
            target=target,
            device=numbers if stat.S_ISCHR(bits) or stat.S_ISBLK(bits) else "",
            first_name=linked[0] if len(linked) > 1 else "",
        )
    return Fingerprint(entries, mounts)


def _below(name: str, mounts: frozenset[str]) -> bool:
    while name != "/":
        if name in mounts:
            return True
        name = name.rpartition("/")[0] or "/"
    return False


def _nanoseconds(text: str) -> int:
    """`2026-05-07 20:33:01.123456789 +0000` in nanoseconds since 1970."""
    day, clock, zone = text.split(" ")
    seconds, _, fraction = clock.partition(".")
    moment = datetime.strptime(f"{day} {seconds} {zone}", "%Y-%m-%d %H:%M:%S %z")
    return int(moment.timestamp()) * 1_000_000_000 + int(fraction.ljust(9, "0"))
