// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRDB
import SandboxModels

import struct Foundation.Date

/// Everything about one sandbox that outlives this process: one row.
struct SandboxRow: Codable, Sendable, Hashable, FetchableRecord, PersistableRecord {
    static let databaseTableName = "sandbox"

    /// The sandbox's identity.
    var id: String
    /// What its owner asked for.
    var spec: SandboxSpec
    /// When it was created.
    var createdAt: Date
    /// How many seconds after its creation it was to expire, and after each resume will; nil for never.
    var lifetime: Double?
    /// The owner's wish.
    var intent: Intent
    /// What the state machine has written down.
    var recorded: Recorded
    /// The image that it was created from, by digest: `registry/repository@sha256:...` or `oci:<folder>@sha256:...`.
    var image: String
    /// Its move to another server, if there is or was one.
    var move: Move?

    /// The name of the container of one attempt. The number is part of it, so that a container that is gone is never
    /// taken for its successor.
    func containerID(attempt: Int) -> String { "\(id)-\(attempt)" }
}
