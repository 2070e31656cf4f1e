// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeRuntime
import SandboxModels

extension KruiseControllers {
    /// Adds what sees to SandboxSets and SandboxClaims.
    mutating func addSets(_ parts: DialectParts) {
        let sets = Informer<KruiseSandboxSet>(
            parts.client.resource(in: parts.namespaces),
            indexes: [.templateRef],
            metrics: parts.metrics,
            logger: parts.logger
        )
        let claims = Informer<KruiseSandboxClaim>(
            parts.client.resource(in: parts.namespaces),
            indexes: [.source],
            metrics: parts.metrics,
            logger: parts.logger
        )
        let checkpoints = Informer<KruiseCheckpoint>(
            parts.client.resource(in: parts.namespaces),
            metrics: parts.metrics,
            logger: parts.logger
        )
        let setController = SandboxSetController(
            parts.client,
            sets: sets,
            sandboxes: sandboxes.sandboxes,
            templates: sandboxes.templates,
            recorder: parts.recorder,
            workers: parts.settings.kruise.setWorkers,
            metrics: parts.metrics,
            logger: parts.logger
        )
        let claimController = SandboxClaimController(
            parts.client,
            claims: claims,
            sets: sets,
            checkpoints: checkpoints,
            templates: sandboxes.templates,
            sandboxes: sandboxes.sandboxes,
            recorder: parts.recorder,
            workers: parts.settings.kruise.claimWorkers,
            metrics: parts.metrics,
            logger: parts.logger
        )
        run(sets)
        run(claims)
        run(checkpoints)
        run { try await setController.run() }
        run { try await claimController.run() }
    }
}
