// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What is told of a sandbox because of its pool, besides what was decided: that its pods cannot be known, or that the pool has
/// not enough of them.
struct PoolNotice: Hashable {
    var reason: String
    var message: String
    /// Whether somebody has to do something.
    var isTrouble: Bool

    /// - Parameters:
    ///   - missing: How many pods its pool still owes to the sandbox; nil for none.
    /// - Returns: Nil if there is nothing to tell.
    init?(_ record: AggregateRecord, _ places: PodPlaces, of sandbox: BatchSandbox, missing: Int?) {
        guard sandbox.isPooled else { return nil }
        if let trouble = places.trouble {
            reason = "AllocationUnreadable"
            message = "Which pods the sandbox has cannot be known, so nothing is done about it: \(trouble)."
            isTrouble = true
            return
        }
        guard record.phase == .pending, let missing else { return nil }
        reason = BatchSandboxCondition.Reason.creating
        message =
            "Pool \(sandbox.spec.poolRef ?? "") has no pod ready: \(missing) of \(sandbox.spec.replicas) are still to come."
        isTrouble = false
    }

    /// Tells of it in a condition that every schema knows.
    ///
    /// - Parameter since: When that became true. What was decided may not speak of it, and have taken it away.
    func tell(in status: inout BatchSandboxStatus, since: Timestamp) {
        let type = BatchSandboxCondition.progressing.rawValue
        status.conditions[type] = .with {
            $0.type = type
            $0.status = "True"
            $0.reason = reason
            $0.message = message
            $0.lastTransitionTime = since
        }
    }
}
