// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SandboxModels
import SnapshotEngine
import SnapshotProvider

import struct Foundation.Date

/// What the runners of this machine's sandboxes share.
struct SandboxWorld: Sendable {
    /// Opens the place where an image is, with its owner's credentials if there are any.
    typealias Opener = @Sendable (ImageLocation, ImageCredentials?) -> any ImageRepository

    /// The rows.
    var store: SandboxStore
    /// The containerd namespace of the containers.
    var namespace: String
    /// Containers.
    var containers: ContainerRuntime
    /// What is mounted into them.
    var volumes: VolumeFolders
    /// Images on this machine.
    var images: ImagePuller
    /// Where images are.
    var openRepository: Opener
    /// Captures.
    var provider: RootfsProvider
    /// What becomes of artifacts that are needed no more.
    var retention: ArtifactRetention
    /// Where snapshots go.
    var snapshots: SnapshotDestination
    /// Who signs them, and whose are believed.
    var trust: SnapshotTrust
    /// What they tell of the environment of their sandbox.
    var snapshotEnvironment: EnvironmentDetail
    /// The state machine's time limits.
    var policy: LifecyclePolicy
    /// The freezes that an earlier process had sealed and not killed, by the uids of their captures.
    var sealedBefore: Set<String>
    /// This machine's name, for the labels of snapshots.
    var node: String
    /// The wall clock.
    var now: @Sendable () -> Date
    /// Called with the identity of a sandbox of which nothing is left.
    var forgotten: @Sendable (String) async -> Void

    /// Called when there is something in a store that is to be deleted later.
    var untidy: @Sendable () async -> Void

    /// How long to wait before something that failed for a reason outside of the sandbox is tried again.
    let retryDelay: Duration = .seconds(1)
    /// How long to wait at most when it fails again and again.
    let longestRetryDelay: Duration = .seconds(10)

    /// When a date is on the clock that waits are measured with.
    func instant(of date: Date) -> ContinuousClock.Instant {
        .now + .seconds(max(0, date.timeIntervalSince(now())))
    }
}
