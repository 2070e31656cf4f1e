// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import SandboxModels

import struct Foundation.Date

/// Everything about one snapshot that outlives this process: one row.
struct SnapshotRow: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "snapshot"

    /// The snapshot's identity, which is also the uid of its capture.
    var id: String
    /// The sandbox that it was taken of.
    var sandboxID: String
    /// What its owner calls it.
    var name: String?
    /// How far it is, and why.
    var status: SnapshotStatus
    /// When it was asked for.
    var createdAt: Date
    /// Where its image goes or is.
    var artifact: Artifact?
    /// Where its image was going to, while there may be something there that is no artifact: the capture goes on, or did
    /// not come about.
    var unfinished: String?
    /// Whose it is.
    var owner: String?
    /// What the sandbox was asked to be.
    var source: SandboxSpec?
    /// After how many seconds from its end it is deleted by itself.
    var timeToLive: Double?
    /// Whether lists leave it out.
    var isInternal: Bool?

    /// When it is deleted by itself, once that is known.
    var expiresAt: Date? {
        guard status.state == .ready || status.state == .failed else { return nil }
        return timeToLive.map { status.lastTransitionAt.addingTimeInterval($0) }
    }

    /// Writes down that the snapshot is in another state.
    mutating func enter(_ state: SnapshotStatus.State, _ reason: String, _ message: String? = nil, at now: Date) {
        status = SnapshotStatus(state: state, reason: reason, message: message, lastTransitionAt: now)
    }

    /// The snapshot as its owner sees it.
    var snapshot: Snapshot {
        Snapshot(
            id: id,
            sandboxID: sandboxID,
            name: name,
            status: status,
            createdAt: createdAt,
            artifact: status.state == .ready ? artifact : nil,
            owner: owner,
            source: source,
            expiresAt: expiresAt,
            isInternal: isInternal == true
        )
    }
}

/// An artifact that nobody owns any more and that something still refers to: it is deleted when nothing does.
struct RetainedArtifactRow: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "retainedArtifact"

    /// The digests of its parts, joined: what it is known by.
    var id: String
    /// What is to be deleted.
    var artifact: Artifact

    init(_ artifact: Artifact) {
        id = artifact.parts.map(\.digest).joined(separator: " ")
        self.artifact = artifact
    }
}

/// The reasons of a snapshot's states: upstream's words.
enum SnapshotReason {
    static let accepted = "snapshot_accepted"
    static let ready = "snapshot_runtime_ready"
    static let interrupted = "snapshot_recovery_failed"
    static let deleteRequested = "snapshot_delete_requested"
}
