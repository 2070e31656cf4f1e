// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import SnapshotProvider

extension SnapshotFailure {
    /// The failure as its user reads it.
    var problem: Problem { Problem(reason, message) }
}

extension CaptureProgress {
    /// How far a provider says that its capture is.
    init(_ progress: SnapshotProgress) {
        self = CaptureProgress.with {
            $0.stage = progress.stage
            $0.bytesRead = progress.bytesRead > 0 ? Int(progress.bytesRead) : nil
            $0.bytesWritten = progress.bytesWritten > 0 ? Int(progress.bytesWritten) : nil
            $0.bytesTotal = progress.bytesTotal.map { Int($0) }
        }.summarized()
    }
}
