// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc

/// Says whether an upper directory is the whole difference between a container's root filesystem and its image.
///
/// What only the tree itself can show (attributes that overlayfs has left in it) the walk watches for.
public struct OverlayCheck: Sendable, Hashable {
    /// What the kernel does where the mount's options do not say: it shows only options that differ from this.
    public var defaults: [String: Bool]

    /// Creates a check.
    ///
    /// - Parameter defaults: The parameters of the kernel's overlay module, by name.
    public init(defaults: [String: Bool] = [:]) {
        self.defaults = defaults
    }

    /// A check with this kernel's defaults. Reads /sys; a parameter that cannot be read counts as off, which leaves it to
    /// the walk to notice.
    public static func current() -> OverlayCheck {
        var defaults: [String: Bool] = [:]
        for name in ["redirect_dir", "metacopy", "index"] {
            let bytes = try? SystemCall.contents(of: "/sys/module/overlay/parameters/\(name)")
            defaults[name] = bytes?.first == UInt8(ascii: "Y")
        }
        return OverlayCheck(defaults: defaults)
    }

    /// Options that leave the upper directory as complete and as readable as it is without them, whatever they are set
    /// to: the kernel's own for every filesystem, overlayfs's, and those of the security modules.
    private static let harmless: Set<String> = [
        "rw", "ro", "sync", "dirsync", "mand", "lazytime",
        "xino", "uuid", "volatile", "fsync", "default_permissions", "override_creds", "nooverride_creds", "verity",
        "seclabel", "context", "fscontext", "defcontext", "rootcontext",
    ]

    /// The first thing about a mount's options that makes its upper directory incomplete, or unsafe to read; nil if there
    /// is none. An option that is not known is an obstacle, too.
    public func obstacle(in mount: OverlayMount) -> OverlayObstacle? {
        // Renamed directories are empty above; files whose metadata changed are zeros; changes through a hard link are
        // missing; and what exports over NFS has an index.
        let switches = ["redirect_dir", "metacopy", "index", "nfs_export"]
        for name in switches {
            switch mount.value(of: name) {
            case "on": return .option("\(name)=on")
            case nil where defaults[name] == true: return .option("\(name)=on")
            case "off", "follow", "nofollow", nil: continue
            case let value?: return .unknownOption("\(name)=\(value)")
            }
        }
        // Marks are in user.overlay.* then, where anybody in the container could have made them.
        if mount.options.contains("userxattr") { return .option("userxattr") }
        if !mount.dataDirectories.isEmpty { return .option("data-only lower directories") }
        if mount.flags.contains("idmapped") { return .idMapped }
        let unknown = mount.options.first { option in
            let name = OverlayMount.pair(option).name
            return !Self.harmless.contains(name) && !switches.contains(name)
        }
        return unknown.map { .unknownOption($0) }
    }

    /// Checks all that can be checked before the walk: this process's capabilities, the mount that is a process's root,
    /// its user namespace, that its layers and its upper directory are the snapshot's, and that this is what the process
    /// has as its root.
    ///
    /// - Parameters:
    ///   - process: A process of the container, in this process's PID namespace.
    ///   - snapshot: The mount that the snapshotter answers for the container's snapshot.
    /// - Returns: The snapshot's mount, with the options of the live one.
    /// - Throws: `RootfsError`.
    public func verify(process: Int32, snapshot: OverlayMount) throws -> OverlayMount {
        let missing = try ProcessCapabilities.current().missingForCapture
        guard missing.isEmpty else { throw RootfsError.notPermitted(missing: missing) }
        let live = try OverlayMount(rootOfProcess: process)
        if let obstacle = obstacle(in: live) ?? obstacle(in: snapshot) { throw RootfsError.unsuitable(obstacle) }
        for map in ["uid_map", "gid_map"] {
            let text = String(decoding: try SystemCall.contents(of: "/proc/\(process)/\(map)"), as: UTF8.self)
            guard Self.isIdentity(map: text) else { throw RootfsError.unsuitable(.userNamespace) }
        }
        guard try Self.areSame(live.upperDirectory, snapshot.upperDirectory) else {
            throw RootfsError.unsuitable(
                .otherUpper(live: live.upperDirectory, expected: snapshot.upperDirectory)
            )
        }
        let (lowers, expected) = (live.lowerDirectories, snapshot.lowerDirectories)
        guard try lowers.count == expected.count && zip(lowers, expected).allSatisfy(Self.isLower) else {
            throw RootfsError.unsuitable(.otherLower(live: lowers, expected: expected))
        }
        if let obstacle = try Self.obstacle(inRootOf: process, upper: snapshot.upperDirectory) {
            throw RootfsError.unsuitable(obstacle)
        }
        var verified = snapshot
        verified.mountPoint = live.mountPoint
        verified.options = live.options
        verified.flags = live.flags
        return verified
    }

    /// Whether a uid_map or gid_map (user_namespaces(7)) maps every id to itself.
    static func isIdentity(map: String) -> Bool {
        let lines = map.split(separator: "\n")
        let fields = lines.first?.split(separator: " ") ?? []
        return lines.count == 1 && fields == ["0", "0", "4294967295"]
    }

    /// Whether a layer of a live mount is one of a snapshot. Relative paths are what containerd makes of long ones.
    private static func isLower(_ live: String, _ expected: String) throws -> Bool {
        if live == expected { return true }
        return live.hasPrefix("/") ? try areSame(live, expected) : expected.hasSuffix("/" + live)
    }

    /// How often the two sides of a root directory are looked at until nothing has changed it meanwhile.
    private static let looks = 1000

    /// Compares the root directory of a process with the upper directory that its mount names. What is mounted says only
    /// what the mounter called it, in a mount namespace of his; and nothing says that it is mapped to other owners.
    ///
    /// The kernel shows the upper directory's own metadata as those of the overlay's root.
    private static func obstacle(inRootOf process: Int32, upper: String) throws -> OverlayObstacle? {
        let path = "/proc/\(process)/root"
        let root: OwnedDescriptor
        do {
            root = OwnedDescriptor(try SystemCall.result("open", path) { clinux_open_directory_of_link(path) })
        } catch RootfsError.system(_, _, EACCES), RootfsError.system(_, _, EPERM) {
            throw RootfsError.notPermitted(missing: ["CAP_SYS_PTRACE"])
        }
        let directory = OwnedDescriptor(try SystemCall.result("open", upper) { clinux_open_path(upper) })
        for _ in 0..<looks {
            let before = try FileStatus(of: directory.number, path: upper)
            let shown = try FileStatus(of: root.number, path: path)
            guard try FileStatus(of: directory.number, path: upper) == before else { continue }
            guard shown.kind == .directory, shown.permissions == before.permissions,
                shown.modified == before.modified, shown.changed == before.changed
            else { return .otherRoot(upper: upper) }
            return shown.user == before.user && shown.group == before.group ? nil : .idMapped
        }
        throw RootfsError.changed(path: upper, detail: "its root directory changes all the time")
    }

    /// Whether a directory of a live mount is one that a snapshotter has named. The former is a name that the mounter
    /// used, perhaps in a mount namespace of his own: here it may lead nowhere.
    private static func areSame(_ live: String, _ expected: String) throws -> Bool {
        let directory = OwnedDescriptor(try SystemCall.result("open", expected) { clinux_open_path(expected) })
        let found = OwnedDescriptor(clinux_open_path(live))
        guard found.number >= 0 else { return false }
        return try FileStatus(of: found.number, path: live).identity
            == FileStatus(of: directory.number, path: expected).identity
    }
}
