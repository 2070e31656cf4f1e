// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What is told of a sandbox besides what was decided: that there are too many replicas of it, that its pods cannot be known, or that
/// its pool has not enough of them.
struct SandboxNotice: Hashable {
    var reason: String
    var message: String
    /// Whether somebody has to do something.
    var isTrouble: Bool

    /// - Parameters:
    ///   - missing: How many pods its pool still owes to the sandbox; nil for none.
    /// - Returns: Nil if there is nothing to tell.
    init?(_ record: AggregateRecord, _ places: PodPlaces, of sandbox: BatchSandbox, missing: Int?) {
        if sandbox.isTooLarge {
            self.init(tooLarge: sandbox, has: record.replicas.count)
            return
        }
        guard sandbox.isPooled else { return nil }
        if let trouble = places.trouble {
            self.init(
                reason: "AllocationUnreadable",
                message: "Which pods the sandbox has cannot be known, so nothing is done about it: \(trouble).",
                isTrouble: true
            )
            return
        }
        guard record.phase == .pending, let missing else { return nil }
        self.init(
            reason: BatchSandboxCondition.Reason.creating,
            message:
                "Pool \(sandbox.spec.poolRef ?? "") has no pod ready: \(missing) of \(sandbox.spec.replicas) are still to come.",
            isTrouble: false
        )
    }

    init(reason: String, message: String, isTrouble: Bool) {
        self.reason = reason
        self.message = message
        self.isTrouble = isTrouble
    }

    /// It wants more replicas than could be written down.
    ///
    /// - Parameter count: How many it has.
    init(tooLarge sandbox: BatchSandbox, has count: Int) {
        reason = "TooManyReplicas"
        message =
            "What is written down of \(sandbox.spec.replicas) replicas has no room in the annotations of one object, so it keeps the "
            + "\(count) that it has. Set spec.replicas to \(AnnotationRoom.replicas(of: sandbox)) or less and make several sandboxes, "
            + "or take annotations of your own away."
        isTrouble = true
    }

    /// What is to be written down has no room, although it could be expected to.
    init(noRoomIn sandbox: BatchSandbox) {
        reason = "NoRoomInAnnotations"
        message =
            "What is to be written down of the sandbox and its \(sandbox.spec.replicas) replicas has no room in its annotations, so it "
            + "stays as it is. Take away annotations of your own, or lower spec.replicas."
        isTrouble = true
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
