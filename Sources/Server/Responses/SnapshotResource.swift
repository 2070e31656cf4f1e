// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// A snapshot as the API writes it. What is not there is left out.
struct SnapshotResource: Encodable {
    struct Status: Encodable {
        var state: String
        var reason: String?
        var message: String?
        var lastTransitionAt: Date
        /// An addition to upstream's fields, which its clients ignore.
        var progress: SandboxStatus.Progress?
    }

    var id: String
    var sandboxId: String
    var name: String?
    var status: Status
    var createdAt: Date
    /// An addition to upstream's fields: the image of a snapshot that is ready, with its reference, digest and size.
    var artifact: Artifact?
    /// An addition to upstream's fields: the snapshot that its sandbox was created from, where that is known.
    var parentSnapshotId: String?

    init(_ snapshot: Snapshot) {
        id = snapshot.id
        sandboxId = snapshot.sandboxID
        name = snapshot.name
        status = Status(
            state: snapshot.status.state.rawValue,
            reason: snapshot.status.reason,
            message: snapshot.status.message,
            lastTransitionAt: snapshot.status.lastTransitionAt,
            progress: snapshot.status.progress
        )
        createdAt = snapshot.createdAt
        artifact = snapshot.artifact
        parentSnapshotId = snapshot.source?.snapshotID
    }
}

/// One page of the list of snapshots.
struct SnapshotPage: Encodable {
    var items: [SnapshotResource]
    var pagination: Pagination

    /// The page that was asked for, newest snapshots first. A page behind the last one is empty.
    init(_ request: ListSnapshotsRequest, of snapshots: [Snapshot]) {
        let found = snapshots.filter(request.matches)
            .sorted { ($0.createdAt, $0.id) > ($1.createdAt, $1.id) }
        pagination = Pagination(request.page, totalItems: found.count)
        items = request.page.items(of: found).map(SnapshotResource.init)
    }
}
