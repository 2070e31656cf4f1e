// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// How the difference between a container's root filesystem and its image is read.
enum FilesystemDifference: Sendable, Hashable {
    /// From the upper directory of its overlay, which is the whole of it.
    case upperDirectory(OverlayMount)
    /// By containerd, which compares two trees: the image's, and what these mounts show. For a process that sees nothing of the
    /// node but containerd's socket.
    case diffService(container: [SnapshotMount])

    /// What has to be told of a snapshot that containerd's diff service has made.
    static let diffServiceRemark =
        "It was read through containerd's diff service, because the committer has nothing but containerd's socket: times are whole "
        + "seconds, and user.* attributes and ACLs are missing. Give it the folder of containerd's snapshots and its capabilities "
        + "(docs/committer.md)."

    /// The overlay, where it can be read.
    var overlay: OverlayMount? {
        if case .upperDirectory(let mount) = self { mount } else { nil }
    }
}

extension OverlayMount {
    /// The same files, not to be changed: the upper directory is the first of the lower ones. Its own mount is in use, and a second
    /// one of the same upper directory is undefined.
    ///
    /// - Returns: Nil if a path has what separates them.
    var readOnlyView: SnapshotMount? {
        let layers = [upperDirectory] + lowerDirectories
        guard dataDirectories.isEmpty,
            !layers.contains(where: { $0.contains(":") || $0.contains(",") || $0.contains("\\") })
        else { return nil }
        let kept = options.filter { $0 != "rw" && !$0.hasPrefix("volatile") }
        return SnapshotMount(
            type: "overlay",
            source: "overlay",
            options: ["ro", "lowerdir=" + layers.joined(separator: ":")] + kept.filter { $0 != "ro" }
        )
    }
}
