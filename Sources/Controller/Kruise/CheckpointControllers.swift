// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeRuntime
import SandboxModels

extension KruiseControllers {
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
            reconciler.controller(
                workers: parts.settings.kruise.checkpointWorkers,
                metrics: parts.metrics,
                logger: parts.logger
            )
        )
    }
}
