// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Why an upper directory is not the whole difference between a container's root filesystem and its image, or cannot be
/// stored as it is.
public enum OverlayObstacle: Sendable, Hashable, CustomStringConvertible {
    /// A mount option (or the kernel's default for it) under which the upper directory is incomplete.
    case option(String)
    /// A mount option of which it is not known what it does to the upper directory.
    case unknownOption(String)
    /// An extended attribute of overlayfs which says that this entry is incomplete, or is not known here.
    case attribute(name: String, path: String)
    /// The live mount writes into another directory than the snapshot has.
    case otherUpper(live: String, expected: String)
    /// The live mount has other layers below than the snapshot has.
    case otherLower(live: [String], expected: [String])
    /// What the container sees as its root directory is not what is in the upper directory.
    case otherRoot(upper: String)
    /// The container has a user namespace of its own: owners in the upper directory are shifted.
    case userNamespace
    /// The overlay, or the directory it writes to, was mounted with other owners than there are on the disk.
    case idMapped
    /// Something is mounted inside the upper directory.
    case mountInside(path: String)

    /// The obstacle in words.
    public var description: String {
        switch self {
        case .option(let option):
            let name = option.prefix { $0 != "=" }
            return "the overlay is mounted with \(option), which leaves parts of the difference outside it; mount it "
                + (name.count < option.count ? "with \(name)=off" : "without") + ", and create the sandbox anew"
        case .unknownOption(let option):
            return
                "the overlay is mounted with \(option), which Stasis does not know, so parts of the difference may be "
                + "elsewhere; mount it without, and create the sandbox anew"
        case .attribute(let name, let path):
            return "\(path) has the attribute \(name), so its content is not all there: the directory was mounted with "
                + "redirect_dir, metacopy or index before; create the sandbox anew without"
        case .otherUpper(let live, let expected):
            return "the container writes to \(live), but its snapshot is \(expected)"
        case .otherLower(let live, let expected):
            return "the container's root lies over \(live.joined(separator: ":")), but its snapshot over "
                + expected.joined(separator: ":")
        case .otherRoot(let upper):
            return
                "what the container has as its root directory is not \(upper), where its mount says that it writes to"
        case .userNamespace:
            return "the container runs in a user namespace of its own, so the owners of its files are shifted; run it "
                + "without one (in Kubernetes: hostUsers: true)"
        case .idMapped:
            return
                "the container's root is mounted with a mapping of owners, so those of its files are shifted; run it "
                + "without one"
        case .mountInside(let path):
            return "another filesystem is mounted on \(path)"
        }
    }
}
