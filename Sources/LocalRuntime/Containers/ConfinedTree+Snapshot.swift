// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels
import SnapshotEngine

extension ConfinedTree {
    /// Opens the tree that a snapshot would be mounted as, for reading. Nothing stays mounted.
    ///
    /// An overlay is mounted read-only from all its folders, its own upper one as the first, and taken off its path at
    /// once: only the descriptor keeps it.
    ///
    /// - Parameters:
    ///   - mount: what the snapshotter says.
    ///   - mountPoint: an empty or missing folder of our own; it is gone afterwards.
    init(snapshot mount: SnapshotMount, mountPoint: String) throws(SandboxError) {
        var folders: [String] = []
        switch mount.type {
        case "bind":
            folders = [mount.source]
        case "overlay":
            for option in mount.options {
                if option.hasPrefix("upperdir=") { folders.insert(String(option.dropFirst(9)), at: 0) }
                if option.hasPrefix("lowerdir=") { folders += Self.lowerFolders(option.dropFirst(9)) }
            }
        default:
            break
        }
        guard !folders.isEmpty else {
            throw SandboxError(
                .runtimeUnavailable,
                "The snapshotter answered with a mount of type `\(mount.type)`, which cannot be read here. "
                    + "Configure containerd's overlayfs snapshotter."
            )
        }

        var descriptors: [CInt] = []
        defer { for descriptor in descriptors { close(descriptor) } }
        for folder in folders {
            let descriptor = open(folder, Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
            guard descriptor >= 0 else { throw Self.failure("open the layer \(folder)") }
            descriptors.append(descriptor)
        }
        if descriptors.count == 1 {
            self.init(owning: descriptors.removeFirst())
        } else {
            self.init(owning: try Self.overlay(descriptors, mountPoint: mountPoint))
        }
    }

    /// Mounts folders over one another and gives a descriptor of the result, which is mounted nowhere any more.
    private static func overlay(_ folders: [CInt], mountPoint: String) throws(SandboxError) -> CInt {
        guard mkdir(mountPoint, 0o700) == 0 || errno == EEXIST else { throw failure("make the folder \(mountPoint)") }
        defer { rmdir(mountPoint) }
        // By descriptor each folder takes 17 bytes and needs no escapes; the kernel reads one page of options.
        let lower = folders.map { "/proc/self/fd/\($0)" }.joined(separator: ":")
        let flags = MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC
        guard mount("overlay", mountPoint, "overlay", UInt(flags), "lowerdir=\(lower)") == 0 else {
            throw failure("mount \(folders.count) layers")
        }
        let root = open(mountPoint, Self.pathOnly | O_DIRECTORY | O_CLOEXEC)
        let code = errno
        umount2(mountPoint, Int32(MNT_DETACH))
        guard root >= 0 else {
            errno = code
            throw failure("open the mounted layers")
        }
        return root
    }

    /// The folders of a `lowerdir` option, in which a colon within a name is escaped.
    static func lowerFolders(_ option: some StringProtocol) -> [String] {
        var folders = [""]
        var escaped = false
        for character in option {
            if escaped {
                folders[folders.count - 1].append(character)
                escaped = false
            } else if character == "\\" {
                escaped = true
            } else if character == ":" {
                folders.append("")
            } else {
                folders[folders.count - 1].append(character)
            }
        }
        return folders.filter { !$0.isEmpty }
    }

    private static func failure(_ what: String) -> SandboxError {
        SandboxError(
            .runtimeUnavailable,
            "Could not \(what) to read the image's users: \(String(cString: strerror(errno)))."
        )
    }
}
