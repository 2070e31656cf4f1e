// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SnapshotProvider
import Synchronization

/// How far one capture is: written by whoever does it, read by whoever shows it.
public final class CaptureMeter: Sendable {
    private let progress = Mutex(SnapshotProgress("preparing"))

    /// Creates a meter that stands at nothing.
    public init() {}

    /// The present state.
    public var current: SnapshotProgress { progress.withLock { $0 } }

    func enter(_ stage: CaptureStage) {
        progress.withLock { $0.stage = stage.rawValue }
    }

    func expect(bytes: Int64) {
        progress.withLock { $0.bytesTotal = ($0.bytesTotal ?? 0) + bytes }
    }

    func set(bytesRead: Int64, bytesWritten: Int64) {
        progress.withLock { progress in
            progress.bytesRead = bytesRead
            progress.bytesWritten = bytesWritten
        }
    }
}

/// The stages of a capture in their order; the raw values are what users see.
public enum CaptureStage: String, Sendable, CaseIterable {
    /// Identifying, refusing what cannot work, and placing the base layers. The sandbox runs.
    case preparing
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
