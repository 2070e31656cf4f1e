// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels

import class Foundation.FileManager

/// A place of our own at which something that is held by a descriptor is mounted for a moment, for the container's
/// runtime to mount it from: the runtime knows only paths, and those that lead to a volume may be changed by others.
///
/// It is in the mount namespace of this process, which has to be containerd's. Everything here blocks.
struct VolumeMountPoint: Sendable {
    /// The path.
    let path: String

    /// Mounts something.
    ///
    /// - Parameters:
    ///   - volume: What to mount.
    ///   - path: Where; in a folder that nobody else can write in.
    /// - Throws: `SandboxError` with `hostPathUnavailable`; nothing is mounted then.
    init(_ volume: OpenVolume, at path: String) throws(SandboxError) {
        self.path = path
        var status = stat()
        guard fstat(volume.descriptor, &status) == 0 else { throw Self.failure(path) }
        if status.st_mode & S_IFMT == S_IFDIR {
            guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw Self.failure(path) }
        } else {
            let file = open(path, O_CREAT | O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard file >= 0 else { throw Self.failure(path) }
            close(file)
        }
        guard mount("/proc/self/fd/\(volume.descriptor)", path, nil, UInt(MS_BIND), nil) == 0,
            mount(nil, path, nil, UInt(MS_PRIVATE), nil) == 0
        else {
            let error = Self.failure(path)
            Self.clear(path)
            throw error
        }
    }

    /// Takes the mount away. What was mounted from it meanwhile stays.
    func clear() { Self.clear(path) }

    /// Takes away whatever is left in a folder of such places.
    static func clearAll(in folder: String) {
        for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
            clear("\(folder)/\(name)")
        }
    }

    /// Never removes more than an empty folder or file: if the mount stays for whatever reason, so does what it shows.
    private static func clear(_ path: String) {
        while umount2(path, Int32(MNT_DETACH) | Int32(UMOUNT_NOFOLLOW)) == 0 {}
        if rmdir(path) != 0, errno == ENOTDIR { unlink(path) }
    }

    private static func failure(_ path: String) -> SandboxError {
        SandboxError(
            .hostPathUnavailable,
            "A volume could not be mounted at \(path): \(String(cString: strerror(errno)))."
        )
    }
}
