// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import class Foundation.FileManager

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The folder with everything this runtime keeps between two starts; used by one process at a time, for as long as this
/// object lives.
final class StateFolder: Sendable {
    /// The absolute path.
    let path: String
    private let lock: Int32

    /// Makes the folder, for its owner's eyes only, and locks it.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable` if it cannot be made or another process uses it.
    init(path: String) throws(SandboxError) {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw SandboxError(.runtimeUnavailable, "cannot make the state folder \(path)", cause: error)
        }
        let descriptor = open("\(path)/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SandboxError(.runtimeUnavailable, "cannot write in the state folder \(path) (errno \(errno))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            throw SandboxError(
                .runtimeUnavailable,
                "another process uses the state folder \(path): stop it, or give this one another folder"
            )
        }
        self.path = path
        lock = descriptor
        Self.sync(parentsOf: path)
    }

    /// Makes the folder's own name durable: without it, what is synced in the folder would be lost with it.
    private static func sync(parentsOf path: String) {
        for end in path.indices where path[end] == "/" {
            let parent = open(end == path.startIndex ? "/" : String(path[..<end]), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
            guard parent >= 0 else { continue }
            // Where a file system cannot do it, there is nothing that could be done instead.
            fsync(parent)
            close(parent)
        }
    }

    /// The sandboxes' database.
    var database: String { "\(path)/sandboxes.sqlite" }

    deinit { close(lock) }
}
