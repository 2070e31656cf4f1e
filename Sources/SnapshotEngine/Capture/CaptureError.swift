// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SnapshotProvider
import SnapshotStore

/// Why a root filesystem could not be captured.
public struct CaptureError: Error, Sendable, CustomStringConvertible {
    /// The kinds of errors, each the reason of the failure that it becomes.
    public enum Reason: String, Sendable, Hashable {
        /// The container is not there, does not run, or is another one than the request names.
        case containerGone = "ContainerGone"
        /// The container's filesystem cannot be read as a difference to its image.
        case unsupportedFilesystem = "UnsupportedFilesystem"
        /// The image that the request names is not the one under the container.
        case baseImageMismatch = "BaseImageMismatch"
        /// The image that the container was started from cannot be read.
        case baseImageUnavailable = "BaseImageUnavailable"
        /// The place where the snapshot goes, or is, cannot be written or read.
        case targetUnavailable = "TargetUnavailable"
        /// The freeze ended before everything had been read and stored.
        case freezeLost = "FreezeLost"
        /// The target has lost a layer that it had not stored yet, and the freeze is over, so that it cannot be read again.
        case layerLost = "LayerLost"
        /// The container could not be thawed yet; the holder of the freeze goes on trying.
        case stillFrozen = "StillFrozen"
        /// The container could not be frozen.
        case freezeFailed = "FreezeFailed"
        /// The filesystem holds something that a layer cannot express.
        case unrepresentableFile = "UnrepresentableFile"
        /// This process may not read everything in the filesystem.
        case notPermitted = "NotPermitted"
        /// Reading the filesystem failed.
        case readFailed = "ReadFailed"
        /// What was stored does not read back.
        case notVerified = "NotVerified"
        /// containerd cannot be asked.
        case runtimeUnavailable = "RuntimeUnavailable"
        /// The image has so many layers that no runtime would start a snapshot of it.
        case tooManyLayers = "TooManyLayers"
        /// The request itself makes no sense.
        case invalidRequest = "InvalidRequest"
    }

    /// The kind.
    public var reason: Reason
    /// What happened, to what, and what to do.
    public var message: String
    /// What it came from.
    public var cause: (any Error)?

    /// Creates an error.
    public init(_ reason: Reason, _ message: String, cause: (any Error)? = nil) {
        self.reason = reason
        self.message = message
        self.cause = cause
    }

    /// What an error of the store means for a capture.
    init(_ error: ArtifactStoreError) {
        let reason: Reason =
            switch error.reason {
            case .notVerified, .unproven: .notVerified
            case .unavailable: .targetUnavailable
            }
        self.init(reason, error.message, cause: error.cause)
    }

    /// The message and its cause.
    public var description: String {
        guard let cause else { return message }
        return "\(message) (\(cause))"
    }

    /// Whether the same capture may succeed later without anybody changing anything.
    public var isRetryable: Bool {
        switch reason {
        case .targetUnavailable, .baseImageUnavailable, .freezeLost, .layerLost, .stillFrozen, .freezeFailed,
            .readFailed, .notVerified, .runtimeUnavailable:
            true
        case .containerGone, .unsupportedFilesystem, .baseImageMismatch, .unrepresentableFile, .notPermitted,
            .tooManyLayers, .invalidRequest:
            false
        }
    }

    /// What a provider answers.
    public var failure: SnapshotFailure {
        SnapshotFailure(reason.rawValue, description, isRetryable: isRetryable)
    }
}
