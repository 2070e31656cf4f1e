// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux

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

    /// The first thing about a mount's options that makes its upper directory incomplete, or unsafe to read; nil if there
    /// is none.
    public func obstacle(in mount: OverlayMount) -> OverlayObstacle? {
        // Renamed directories are empty above; files whose metadata changed are zeros; changes through a hard link are
        // missing; and what exports over NFS has an index.
        for name in ["redirect_dir", "metacopy", "index", "nfs_export"] {
            switch mount.value(of: name) {
            case "on": return .option("\(name)=on")
            case nil where defaults[name] == true: return .option("\(name)=on")
            default: continue
            }
        }
        // Marks are in user.overlay.* then, where anybody in the container could have made them.
        if mount.options.contains("userxattr") { return .option("userxattr") }
        return mount.dataDirectories.isEmpty ? nil : .option("data-only lower directories")
    }

    /// Checks all that can be checked before the walk: this process's capabilities, the mount that is a process's root,
    /// its user namespace, and that it writes where its snapshot is.
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
        var verified = snapshot
        verified.mountPoint = live.mountPoint
        verified.options = live.options
        return verified
    }

    /// Whether a uid_map or gid_map (user_namespaces(7)) maps every id to itself.
    static func isIdentity(map: String) -> Bool {
        let lines = map.split(separator: "\n")
        let fields = lines.first?.split(separator: " ") ?? []
        return lines.count == 1 && fields == ["0", "0", "4294967295"]
    }

    private static func areSame(_ left: String, _ right: String) throws -> Bool {
        let identities = try [left, right].map { path in
            let entry = OwnedDescriptor(try SystemCall.result("open", path) { clinux_open_path(path) })
            return try FileStatus(of: entry.number, path: path).identity
        }
        return identities[0] == identities[1]
    }
}
