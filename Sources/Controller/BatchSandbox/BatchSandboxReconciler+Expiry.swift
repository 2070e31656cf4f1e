// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import SandboxModels

import struct Foundation.Date

/// Sandboxes whose time is over.
extension BatchSandboxReconciler {
    /// Deletes a sandbox that has expired, unless somebody has changed it meanwhile: it may have been renewed. What is to be ended
    /// first is what its finalizers are for.
    ///
    /// - Returns: Whether it has.
    func deleteIfExpired(_ sandbox: BatchSandbox) async throws -> Bool {
        guard let expiry = sandbox.expiry, expiry <= now() else { return false }
        do {
            _ = try await resource(of: sandbox).delete(
                sandbox.metadata.name,
                DeleteOptions(uid: sandbox.metadata.uid, resourceVersion: sandbox.metadata.resourceVersion)
            )
            recorder.record(
                .normal,
                about: sandbox,
                reason: "Expired",
                "Its expireTime \(sandbox.spec.expireTime?.text ?? "") has passed, so it is deleted."
            )
        } catch let error as KubeError where error.isConflict || error.isNotFound {
            // Its watch tells of that.
            return true
        }
        return true
    }
}

extension BatchSandbox {
    /// When it is to be deleted by itself; nil for never, or if it is being deleted, or while it is paused and that does not
    /// count. A state of it that is old does no harm: only this state is deleted.
    var expiry: Date? {
        let restful: [BatchSandboxPhase] = [.pausing, .paused, .resuming]
        let isResting = status?.phase.map(restful.contains) ?? false
        guard metadata.deletionTimestamp == nil, expiresWhilePaused || !isResting else { return nil }
        return spec.expireTime?.date
    }
}
