// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// Where in a sandbox a volume may be mounted.
struct MountPath: Hashable {
    /// The path, absolute and without anything that has no meaning.
    let text: String

    /// File systems of the kernel, and files of the machine that stand in the place of the sandbox's own.
    private static let reserved = ["/proc", "/sys", "/dev", "/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]
    private static let longest = 4000

    /// Checks a path.
    ///
    /// - Throws: `SandboxError` with `invalidMountPath`.
    init(_ path: String) throws(SandboxError) {
        func refusal(_ reason: String) -> SandboxError {
            SandboxError(.invalidMountPath, "Nothing can be mounted at `\(path)`: \(reason)")
        }
        guard path.hasPrefix("/"), !path.utf8.contains(0), path.utf8.count <= Self.longest else {
            throw refusal("a mount path is absolute, has no zero byte and up to \(Self.longest) bytes.")
        }
        let names = path.split(separator: "/")
        guard !names.contains("."), !names.contains("..") else {
            throw refusal("a mount path has no part `.` or `..`.")
        }
        guard !names.isEmpty else { throw refusal("that would hide the whole sandbox.") }
        text = "/" + names.joined(separator: "/")
        for taken in Self.reserved where text == taken || text.hasPrefix("\(taken)/") {
            throw refusal("`\(taken)` is the runtime's own.")
        }
    }

    /// How many folders deep it is.
    var depth: Int { text.utf8.count { $0 == UInt8(ascii: "/") } }

    /// Checks the paths of all volumes of a sandbox, each with its volume, outer ones before those within them.
    ///
    /// - Throws: `SandboxError` with `invalidMountPath`.
    static func ordered(_ volumes: [SandboxVolume]) throws(SandboxError) -> [(path: MountPath, volume: SandboxVolume)] {
        var mounts: [(path: MountPath, volume: SandboxVolume)] = []
        for volume in volumes {
            let path = try MountPath(volume.mountPath)
            guard !mounts.contains(where: { $0.path == path }) else {
                throw SandboxError(.invalidMountPath, "Two volumes cannot both be mounted at `\(path.text)`.")
            }
            mounts.append((path, volume))
        }
        return mounts.sorted { $0.path.depth < $1.path.depth }
    }
}
