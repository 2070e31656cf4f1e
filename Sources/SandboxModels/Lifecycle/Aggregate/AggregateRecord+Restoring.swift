// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

extension AggregateRecord {
    /// The record of a sandbox that has just been asked for and is to start from the artifact of another one: as if it had been paused into
    /// that.
    ///
    /// - Parameters:
    ///   - identity: Unique, at most 180 characters, fit for being part of names.
    ///   - artifact: What it starts from.
    ///   - now: The present.
    public init(identity: String, pausedInto artifact: Artifact, now: Date) {
        self.init(identity: identity)
        stage = .paused
        born = 1
        var recorded = Recorded(identity: "\(identity)-1", now: now)
        recorded.phase = .paused
        recorded.acknowledged = 1
        recorded.artifact = artifact
        members = [Member(index: 0, wish: .paused, generation: 1, recorded: recorded)]
    }
}

extension ArtifactHistory {
    /// Forgets what belongs to somebody else, who sees to its deletion.
    public mutating func disown(_ digests: [String]) {
        guard !digests.isEmpty else { return }
        entries.removeAll { entry in entry.artifact.parts.contains { digests.contains($0.digest) } }
    }
}
