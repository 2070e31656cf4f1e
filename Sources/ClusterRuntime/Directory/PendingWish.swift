// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What was asked of a sandbox and its controller has not begun yet.
enum PendingWish: Equatable {
    /// To be paused.
    case pause
    /// To run again.
    case resume
}

extension BatchSandbox {
    /// What was asked for and not begun yet, if anything.
    ///
    /// A wish stays written down when it was acted upon, also without success. So a failure that is told makes it one of the
    /// past, unless it was stated once more since.
    var pendingWish: PendingWish? {
        guard let pause = spec.pause, let status else { return nil }
        switch status.phase {
        case .succeed? where pause:
            return status.conditions.isTrue(BatchSandboxCondition.pauseFailed.rawValue) && !isRestated ? nil : .pause
        case .paused? where !pause:
            return status.conditions.isTrue(BatchSandboxCondition.resumeFailed.rawValue) && !isRestated ? nil : .resume
        case .failed? where !pause:
            return isRestated ? .resume : nil
        default:
            return nil
        }
    }

    /// Whether the wish was stated again after the controller has read it.
    private var isRestated: Bool {
        guard let last = try? recordedIntent(), (metadata.generation ?? 0) > last.generation else { return false }
        return pauseIntent(after: last).statements > last.statements
    }
}
