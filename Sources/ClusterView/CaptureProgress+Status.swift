// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

package import SandboxModels

extension SandboxStatus.Progress {
    /// How far a capture is.
    package init(_ progress: CaptureProgress) {
        self.init(
            stage: progress.stage,
            bytesRead: Int64(progress.bytesRead ?? 0),
            bytesWritten: Int64(progress.bytesWritten ?? 0),
            bytesTotal: progress.bytesTotal.map { Int64($0) }
        )
    }
}
