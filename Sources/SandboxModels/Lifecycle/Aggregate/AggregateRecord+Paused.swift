// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

extension AggregateRecord {
    /// The record of a sandbox of one replica that somebody else has paused: all that there is of it is its artifact.
    ///
    /// - Parameters:
    ///   - identity: As of one that has just been asked for.
    ///   - acknowledged: The `Intent.generation` that was acted upon last.
    ///   - artifact: What it is resumed from.
    public init(paused identity: String, acknowledged: Int, artifact: Artifact, now: Date) {
        self.init(identity: identity)
        stage = .paused
        self.acknowledged = acknowledged
        born = 1
        var recorded = Recorded(identity: "\(identity)-\(born)", now: now)
        recorded.phase = .paused
        recorded.artifact = artifact
        // It was told to run, and then to be paused.
        recorded.acknowledged = 2
        members = [Member(index: 0, wish: .paused, generation: 2, recorded: recorded)]
    }
}
