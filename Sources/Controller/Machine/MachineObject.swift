// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

/// A kind of sandbox for which the state machine is run. What the machine has written down, the wish that was read last and the images
/// of pauses stand in annotations of the object, under the same keys in every dialect.
protocol MachineObject: KubeResource {
    /// The family that the kind is of.
    static var dialect: SandboxDialect { get }
    /// Keeps an object until its freezes and images are cleaned up.
    static var cleanupFinalizer: String { get }

    /// How many replicas its owner wants.
    var wantedReplicas: Int { get }
    /// Names it as what snapshots are of; nil where their `spec.sandboxName` says it.
    var snapshotOrigin: SnapshotOrigin? { get }

    /// What its owner wants now, by what was written down last.
    func pauseIntent(after last: PauseIntent?) -> PauseIntent
    /// The wish and the timers, as the state machine reads them.
    func lifecycleIntent(_ intent: PauseIntent) -> Intent
}

extension MachineObject {
    /// What tells it from all other sandboxes.
    var reference: SandboxReference { SandboxReference(dialect: Self.dialect, key: key) }
}

extension BatchSandbox: MachineObject {
    static var dialect: SandboxDialect { .openSandbox }
    static var cleanupFinalizer: String { OpenSandbox.Finalizer.sandboxCleanup }

    var wantedReplicas: Int { spec.replicas }
    var snapshotOrigin: SnapshotOrigin? { nil }
}
