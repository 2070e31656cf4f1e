// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import SnapshotEngine

/// What a sandbox has on disk.
struct DiskUsage: Sendable, Hashable {
    /// Bytes that it has written or changed.
    var used: Int64 = 0
    /// Bytes that it may have: those and what is free.
    var total: Int64 = 0
}

extension ContainerRuntime {
    /// How long counting may take: the snapshotter walks through all that was written.
    private static let patience = Duration.seconds(2)

    /// What a sandbox's container has on disk. What cannot be told, or would take long, is 0.
    func diskUsage(of id: String) async -> DiskUsage {
        await withTaskGroup(of: DiskUsage.self) { group in
            group.addTask { (try? await measuredDisk(of: id)) ?? DiskUsage() }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return DiskUsage()
            }
            defer { group.cancelAll() }
            return await group.next() ?? DiskUsage()
        }
    }

    private func measuredDisk(of id: String) async throws -> DiskUsage {
        guard let record = try await ContainerdError.nilIfNotFound({ try await client.container(id) }) else {
            return DiskUsage()
        }
        let used = try await client.snapshotUsage(record.snapshotKey, snapshotter: record.snapshotter).size
        let mounts = try await client.snapshotMounts(record.snapshotKey, snapshotter: record.snapshotter)
        let option = "upperdir="
        guard let upper = mounts.lazy.flatMap(\.options).first(where: { $0.hasPrefix(option) })?.dropFirst(option.count)
        else { return DiskUsage(used: used) }
        let path = String(upper)
        let free = try await BlockingWork.run { Self.freeBytes(at: path) }
        return DiskUsage(used: used, total: free.map { used.addingReportingOverflow($0).partialValue } ?? 0)
    }

    private static func freeBytes(at path: String) -> Int64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }
}
