// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SandboxModels

import class Foundation.FileManager

/// The folder with everything this runtime keeps between two starts; used by one process at a time, for as long as this
/// object lives.
final class StateFolder: Sendable {
    /// The absolute path.
    let path: String
    private let lock: Int32

    /// How long another process may use the folder that is on its way out: one that was killed, or what it had just
    /// forked, which has its locks until it runs another program.
    private static let patience = Duration.seconds(10)

    private init(path: String, lock: Int32) {
        self.path = path
        self.lock = lock
    }

    /// Makes the folder, for its owner's eyes only, and locks it.
    ///
    /// - Throws: `SandboxError` with `runtimeUnavailable` if it cannot be made or another process goes on using it;
    ///   `CancellationError`.
    static func open(_ path: String) async throws -> StateFolder {
        let end = ContinuousClock.now + patience
        while true {
            if let folder = try openIfFree(path) { return folder }
            guard ContinuousClock.now < end else {
                throw SandboxError(
                    .runtimeUnavailable,
                    "another process uses the state folder \(path): stop it, or give this one another folder"
                )
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// The folder, locked; nil if another process has locked it.
    private static func openIfFree(_ path: String) throws(SandboxError) -> StateFolder? {
        do {
            try FileManager.default.createDirectory(
                atPath: path,
                withIntermediateDirectories: true,
                attributes: [.posixPermissions: 0o700]
            )
        } catch {
            throw SandboxError(.runtimeUnavailable, "cannot make the state folder \(path)", cause: error)
        }
        let descriptor = Glibc.open("\(path)/lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw SandboxError(.runtimeUnavailable, "cannot write in the state folder \(path) (errno \(errno))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        sync(parentsOf: path)
        return StateFolder(path: path, lock: descriptor)
    }

    /// Makes the folder's own name durable: without it, what is synced in the folder would be lost with it.
    private static func sync(parentsOf path: String) {
        for end in path.indices where path[end] == "/" {
            let name = end == path.startIndex ? "/" : String(path[..<end])
            let parent = Glibc.open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
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
