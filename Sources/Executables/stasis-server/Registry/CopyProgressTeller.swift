// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import RegistryInventory
import Synchronization

/// Tells people how far a copy is, at most once a second.
final class CopyProgressTeller: Sendable {
    private let name: String
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    init(_ name: String) {
        self.name = name
    }

    func tell(_ progress: ImageCopyProgress) {
        let now = ContinuousClock.now
        let isDue = last.withLock { last in
            if let last, now - last < .seconds(1) { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let done = InventoryReport.bytes(progress.bytesSent + progress.bytesSpared)
        let blobs = progress.blobsSent + progress.blobsMounted + progress.blobsPresent
        StandardError.write(
            "\(name): \(done) of \(InventoryReport.bytes(progress.bytesTotal)), \(blobs) of \(progress.blobsTotal) blobs"
        )
    }
}
