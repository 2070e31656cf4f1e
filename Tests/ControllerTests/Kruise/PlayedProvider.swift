// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import SnapshotProvider
import Synchronization

/// A provider that is never asked to capture: its artifacts are those that a test tells of.
final class PlayedProvider: SnapshotProvider {
    let contents: ProviderCapabilities.Contents
    private let state = Mutex<[Artifact]>([])

    init(contents: ProviderCapabilities.Contents = .filesystem) { self.contents = contents }

    /// What it was asked to delete.
    var deleted: [Artifact] { state.withLock { $0 } }

    var name: String { "played" }
    var capabilities: ProviderCapabilities {
        ProviderCapabilities(contents: contents, canKeepRunning: true, canHoldFrozen: true)
    }

    private static let refusal = SnapshotFailure("NotPlayed", "nobody captures here")

    func capture(_ request: SnapshotRequest) async -> Step<Artifact> { .failed(Self.refusal) }
    func seal(_ request: SnapshotRequest) async -> Step<Sealed> { .failed(Self.refusal) }
    func release(_ request: SnapshotRequest) async -> Step<Released> { .done(Released()) }
    func abandon(_ request: SnapshotRequest) async -> Step<Abandoned> { .done(Abandoned()) }
    func forget(_ request: SnapshotRequest) async -> Step<Forgotten> { .done(Forgotten()) }
    func verify(_ artifact: Artifact, in namespace: String) async -> Step<Verified> { .done(Verified()) }

    func delete(_ artifact: Artifact, in namespace: String) async -> Step<Deleted> {
        state.withLock { $0.append(artifact) }
        return .done(Deleted())
    }

    func restore(_ artifact: Artifact) throws(SnapshotFailure) -> TemplatePatch {
        TemplatePatch(
            images: Dictionary(
                uniqueKeysWithValues: artifact.parts.map { ($0.container, "\($0.reference)@\($0.digest)") }
            )
        )
    }
}
