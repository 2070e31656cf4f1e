// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeRuntime
import SandboxModels

extension KruiseControllers {
    /// How many Checkpoints are looked at at a time. Each look is a few requests.
    private static let checkpointWorkers = 8

    /// Adds what sees to Checkpoints.
    mutating func addCheckpoints(_ parts: DialectParts) {
        let checkpoints = Informer<KruiseCheckpoint>(
            parts.client.resource(in: parts.namespaces),
            indexes: [.sandbox],
            metrics: parts.metrics,
            logger: parts.logger
        )
        let reconciler = CheckpointReconciler(
            checkpoints: checkpoints,
            sandboxes: sandboxes,
            snapshots: parts.snapshots,
            client: parts.client,
            providers: parts.providers,
            deletion: parts.deletion,
            settings: parts.settings,
            recorder: parts.recorder,
            logger: parts.logger
        )
        run(checkpoints)
        run(
            reconciler.controller(workers: Self.checkpointWorkers, metrics: parts.metrics, logger: parts.logger)
        )
    }
}
