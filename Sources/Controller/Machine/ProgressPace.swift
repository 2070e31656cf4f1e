// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeRuntime
import SandboxModels
import Synchronization

import struct Foundation.Date

/// How often it is told how far a capture is. Whoever tells it is woken by that, and would ask and tell again at once.
final class ProgressPace: Sendable {
    /// Seconds between two tellings of one stage.
    static let interval: Double = 1

    private let told = Mutex<[ObjectKey: (stage: String, time: Date)]>([:])

    /// Whether to tell it now.
    ///
    /// - Returns: Seconds to wait; 0 for now.
    func delay(_ progress: CaptureProgress, of key: ObjectKey, at now: Date) -> Double {
        told.withLock { told in
            if let last = told[key], last.stage == progress.stage {
                let passed = now.timeIntervalSince(last.time)
                if passed >= 0, passed < Self.interval { return Self.interval - passed }
            }
            told[key] = (progress.stage, now)
            return 0
        }
    }

    /// It is over.
    func forget(_ key: ObjectKey) { told.withLock { _ = $0.removeValue(forKey: key) } }
}
