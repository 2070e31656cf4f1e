// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// How far a copy is.
public struct ImageCopyProgress: Sendable, Hashable {
    /// How many manifests and indexes there are to copy.
    public var manifestsTotal = 0
    /// How many of them are at the target.
    public var manifestsDone = 0
    /// How many different blobs there are.
    public var blobsTotal = 0
    /// How many were there already.
    public var blobsPresent = 0
    /// How many the target took from another repository of its own.
    public var blobsMounted = 0
    /// How many were sent.
    public var blobsSent = 0
    /// How many bytes the blobs have together.
    public var bytesTotal: Int64 = 0
    /// How many of them need not be sent.
    public var bytesSpared: Int64 = 0
    /// How many were sent. Less than before when the target has lost a part, which is then sent again.
    public var bytesSent: Int64 = 0

    /// Nothing done of nothing.
    public init() {}
}

/// Counts what becomes of a copy, and tells it.
final class ImageCopyMeter: Sendable {
    private let progress: Mutex<ImageCopyProgress>
    private let tell: @Sendable (ImageCopyProgress) -> Void

    init(_ plan: ImageCopyPlan, tell: @escaping @Sendable (ImageCopyProgress) -> Void) {
        var progress = ImageCopyProgress()
        progress.manifestsTotal = plan.manifests.count
        progress.blobsTotal = plan.blobs.count
        progress.bytesTotal = plan.bytes
        self.progress = Mutex(progress)
        self.tell = tell
        tell(progress)
    }

    var now: ImageCopyProgress { progress.withLock { $0 } }

    /// Told within the lock, so that nobody hears of a state after a later one.
    func count(_ change: (inout ImageCopyProgress) -> Void) {
        progress.withLock { progress in
            change(&progress)
            tell(progress)
        }
    }
}
