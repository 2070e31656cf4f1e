// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SnapshotProvider
import Synchronization

/// How far one capture is: written by whoever does it, read by whoever shows it.
public final class CaptureMeter: Sendable {
    private let progress = Mutex(SnapshotProgress(CaptureStage.preparing.rawValue))
    private let entered: @Sendable (SnapshotProgress) -> Void

    /// Creates a meter that stands at nothing.
    ///
    /// - Parameter entered: Called at the beginning of every stage, before anything of it is done. It must not wait for
    ///   anything: the sandbox may be frozen.
    public init(entered: @escaping @Sendable (SnapshotProgress) -> Void = { _ in }) {
        self.entered = entered
    }

    /// The present state.
    public var current: SnapshotProgress { progress.withLock { $0 } }

    func enter(_ stage: CaptureStage) {
        let current = progress.withLock { progress in
            progress.stage = stage.rawValue
            return progress
        }
        entered(current)
    }

    func expect(bytes: Int64) {
        progress.withLock { $0.bytesTotal = ($0.bytesTotal ?? 0) + bytes }
    }

    /// What one layer adds to a meter, beside others that are on their way.
    final class Share: Sendable {
        private let meter: CaptureMeter
        private let added = Mutex((read: Int64(0), written: Int64(0)))

        init(of meter: CaptureMeter) {
            self.meter = meter
        }

        /// Says how much of the layer has been read and written.
        func set(bytesRead: Int64, bytesWritten: Int64) {
            added.withLock { added in
                let (read, written) = (bytesRead - added.read, bytesWritten - added.written)
                added = (bytesRead, bytesWritten)
                meter.progress.withLock { progress in
                    progress.bytesRead += read
                    progress.bytesWritten += written
                }
            }
        }

        /// The layer is lost, and so is what was done for it.
        func takeBack() { set(bytesRead: 0, bytesWritten: 0) }
    }
}

/// The stages of a capture in their order; the raw values are what users see.
public enum CaptureStage: String, Sendable, CaseIterable {
    /// Identifying, refusing what cannot work, and placing the base layers. The sandbox runs.
    case preparing
    /// Merging the layers of earlier snapshots into one, because there are many. The sandbox runs.
    case compacting
    /// Reading, compressing and storing the difference while the sandbox runs.
    case copyingEarly
    /// Freezing the containers.
    case freezing
    /// Reading, compressing and storing the difference, or what has changed since the early copy. The sandbox is frozen.
    case copying
    /// Checking that the sandbox is still frozen and storing the manifest.
    case committing
    /// Reading back from the store what it says it has.
    case verifying
    /// Complete.
    case done
}
