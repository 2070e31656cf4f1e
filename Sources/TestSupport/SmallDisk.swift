// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc

/// A small file system of its own, so that it can be full.
public struct SmallDisk: Sendable {
    /// Where it is mounted.
    public let path: String
    /// The mount option that limits it.
    private let limit: String

    /// Mounts one for as long as `body` runs.
    ///
    /// - Parameters:
    ///   - path: A folder in that of a containerd of the tests, whose watchdog unmounts what is left.
    ///   - limit: A mount option of tmpfs, such as `size=4m` or `nr_inodes=100`.
    public static func with<Result: Sendable>(
        at path: String,
        _ limit: String,
        isolation: isolated (any Actor)? = #isolation,
        _ body: (SmallDisk) async throws -> Result
    ) async throws -> Result {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try await Command.run("mount", ["-t", "tmpfs", "-o", limit, "tmpfs", path])
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await body(SmallDisk(path: path, limit: limit)))
        } catch {
            outcome = .failure(error)
        }
        try await Command.run("umount", ["-l", path])
        return try outcome.get()
    }

    /// Mounts it again with other options.
    public func remount(_ options: String) async throws {
        try await Command.run("mount", ["-o", "remount,\(options)", path])
    }

    /// Fills it until nothing more can be written, but for some bytes.
    public func fill(leaving bytes: Int = 0) async throws {
        _ = try? await Command.run("dd", ["if=/dev/zero", "of=\(path)/filler", "bs=4k"])
        guard bytes > 0, let file = FileHandle(forUpdatingAtPath: "\(path)/filler") else { return }
        defer { try? file.close() }
        let size = try file.seekToEnd()
        try file.truncate(atOffset: size > UInt64(bytes) ? size - UInt64(bytes) : 0)
    }

    /// Takes up all its inodes.
    public func fillInodes() throws {
        try FileManager.default.createDirectory(atPath: "\(path)/fillers", withIntermediateDirectories: true)
        var number = 0
        while FileManager.default.createFile(atPath: "\(path)/fillers/\(number)", contents: nil) { number += 1 }
    }

    /// Makes room again.
    public func empty() {
        try? FileManager.default.removeItem(atPath: "\(path)/filler")
        try? FileManager.default.removeItem(atPath: "\(path)/fillers")
    }

    /// Bytes in use.
    public var used: Int {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return 0 }
        return Int(status.f_blocks - status.f_bfree) * Int(status.f_frsize)
    }
}
