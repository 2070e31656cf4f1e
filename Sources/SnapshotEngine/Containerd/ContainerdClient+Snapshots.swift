// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import GRPCCore
import SwiftProtobuf

public import struct Foundation.Date

/// A snapshot of a file system.
public struct SnapshotInfo: Sendable, Hashable {
    /// What can be done with it.
    public enum Kind: Sendable, Hashable {
        /// It can be read.
        case view
        /// It can be written, and committed.
        case active
        /// It can be the parent of others; its name is then usually a chain ID.
        case committed
        /// Something this client does not know.
        case unknown
    }

    /// Its key while active or a view, its name once committed.
    public var name: String
    /// The name of the committed snapshot it builds on; empty if none.
    public var parent: String
    /// What can be done with it.
    public var kind: Kind
    /// When it was made.
    public var createdAt: Date
    /// When it was changed last.
    public var updatedAt: Date
    /// Labels.
    public var labels: [String: String]
}

/// What a snapshot takes, without its parents.
public struct SnapshotUsage: Sendable, Hashable {
    /// Bytes on disk.
    public var size: Int64
    /// Inodes.
    public var inodes: Int64
}

/// Snapshots. The snapshotter is `overlayfs` unless the caller says otherwise.
extension ContainerdClient {
    /// The snapshotter that containerd uses by default on Linux.
    public static let overlayfs = "overlayfs"

    private var snapshotsService: Containerd_Services_Snapshots_V1_Snapshots.Client<ContainerdTransport> {
        .init(wrapping: connection.calls)
    }

    /// Makes an active snapshot on top of a committed one, or on nothing.
    ///
    /// - Returns: How to mount it.
    @discardableResult
    public func prepareSnapshot(
        _ key: String,
        parent: String,
        labels: [String: String] = [:],
        snapshotter: String = overlayfs
    ) async throws -> [SnapshotMount] {
        try await call("Snapshots.Prepare", "snapshot \(key) on \(parent)") {
            var request = Containerd_Services_Snapshots_V1_PrepareSnapshotRequest()
            request.snapshotter = snapshotter
            request.key = key
            request.parent = parent
            request.labels = labels
            return try await snapshotsService.prepare(request, metadata: metadata).mounts.map(SnapshotMount.init)
        }
    }

    /// Makes a snapshot that reads a committed one.
    ///
    /// - Returns: How to mount it.
    @discardableResult
    public func viewSnapshot(
        _ key: String,
        parent: String,
        labels: [String: String] = [:],
        snapshotter: String = overlayfs
    ) async throws -> [SnapshotMount] {
        try await call("Snapshots.View", "view \(key) of \(parent)") {
            var request = Containerd_Services_Snapshots_V1_ViewSnapshotRequest()
            request.snapshotter = snapshotter
            request.key = key
            request.parent = parent
            request.labels = labels
            return try await snapshotsService.view(request, metadata: metadata).mounts.map(SnapshotMount.init)
        }
    }

    /// How to mount an active snapshot or a view.
    public func snapshotMounts(_ key: String, snapshotter: String = overlayfs) async throws -> [SnapshotMount] {
        try await read("Snapshots.Mounts", "snapshot \(key)") {
            var request = Containerd_Services_Snapshots_V1_MountsRequest()
            request.snapshotter = snapshotter
            request.key = key
            return try await snapshotsService.mounts(request, metadata: metadata).mounts.map(SnapshotMount.init)
        }
    }

    /// Turns an active snapshot into a committed one with a name of its own.
    ///
    /// - Throws: `alreadyExists` if there is a committed snapshot of that name; the active one then stays.
    public func commitSnapshot(
        _ key: String,
        name: String,
        labels: [String: String] = [:],
        snapshotter: String = overlayfs
    ) async throws {
        try await call("Snapshots.Commit", "snapshot \(key) as \(name)") {
            var request = Containerd_Services_Snapshots_V1_CommitSnapshotRequest()
            request.snapshotter = snapshotter
            request.key = key
            request.name = name
            request.labels = labels
            _ = try await snapshotsService.commit(request, metadata: metadata)
        }
    }

    /// Removes a snapshot that no other builds on.
    public func removeSnapshot(_ key: String, snapshotter: String = overlayfs) async throws {
        try await call("Snapshots.Remove", "snapshot \(key)") {
            var request = Containerd_Services_Snapshots_V1_RemoveSnapshotRequest()
            request.snapshotter = snapshotter
            request.key = key
            _ = try await snapshotsService.remove(request, metadata: metadata)
        }
    }

    /// What containerd knows of a snapshot.
    public func snapshot(_ key: String, snapshotter: String = overlayfs) async throws -> SnapshotInfo {
        try await read("Snapshots.Stat", "snapshot \(key)") {
            var request = Containerd_Services_Snapshots_V1_StatSnapshotRequest()
            request.snapshotter = snapshotter
            request.key = key
            return SnapshotInfo(try await snapshotsService.stat(request, metadata: metadata).info)
        }
    }

    /// Sets single labels of a snapshot; an empty value removes one.
    @discardableResult
    public func setSnapshotLabels(
        _ labels: [String: String],
        of key: String,
        snapshotter: String = overlayfs
    ) async throws -> SnapshotInfo {
        try await call("Snapshots.Update", "labels of snapshot \(key)") {
            var request = Containerd_Services_Snapshots_V1_UpdateSnapshotRequest()
            request.snapshotter = snapshotter
            request.info.name = key
            request.info.labels = labels
            request.updateMask = Google_Protobuf_FieldMask(labels.keys.sorted().map { "labels.\($0)" })
            return SnapshotInfo(try await snapshotsService.update(request, metadata: metadata).info)
        }
    }

    /// The snapshots that match any of the filters; all without filters.
    public func snapshots(filters: [String] = [], snapshotter: String = overlayfs) async throws -> [SnapshotInfo] {
        try await read("Snapshots.List", "snapshots of \(snapshotter)") {
            var request = Containerd_Services_Snapshots_V1_ListSnapshotsRequest()
            request.snapshotter = snapshotter
            request.filters = filters
            return try await snapshotsService.list(request, metadata: metadata) { response in
                var all: [SnapshotInfo] = []
                for try await message in response.messages {
                    all += message.info.map(SnapshotInfo.init)
                }
                return all
            }
        }
    }

    /// What a snapshot takes, without its parents.
    public func snapshotUsage(_ key: String, snapshotter: String = overlayfs) async throws -> SnapshotUsage {
        try await read("Snapshots.Usage", "snapshot \(key)") {
            var request = Containerd_Services_Snapshots_V1_UsageRequest()
            request.snapshotter = snapshotter
            request.key = key
            let response = try await snapshotsService.usage(request, metadata: metadata)
            return SnapshotUsage(size: response.size, inodes: response.inodes)
        }
    }
}

extension SnapshotInfo {
    fileprivate init(_ message: Containerd_Services_Snapshots_V1_Info) {
        let kind: Kind =
            switch message.kind {
            case .view: .view
            case .active: .active
            case .committed: .committed
            case .unknown, .UNRECOGNIZED: .unknown
            }
        self.init(
            name: message.name,
            parent: message.parent,
            kind: kind,
            createdAt: message.createdAt.date,
            updatedAt: message.updatedAt.date,
            labels: message.labels
        )
    }
}
