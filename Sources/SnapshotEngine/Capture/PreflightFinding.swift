// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What one check before a capture found.
public struct PreflightFinding: Sendable {
    /// What was checked. The raw values are for programs.
    public enum Check: String, Sendable, Hashable, CaseIterable {
        /// containerd answers.
        case containerd
        /// The container is there and runs.
        case container
        /// Nobody else holds it frozen.
        case freeze
        /// Its root filesystem can be read as a difference to its image, by this process.
        case filesystem
        /// The image that it was started from is known, and is the one under it.
        case baseImage = "base-image"
        /// The place that the snapshot goes to takes it.
        case target
        /// The image's layers are there, or can be brought there.
        case layers
        /// There is room for the snapshot, as far as that can be told.
        case space
    }

    /// What came of it.
    public enum Outcome: Sendable {
        /// It is as it has to be.
        case passed(String)
        /// A capture may succeed all the same.
        case warning(String)
        /// A capture would fail.
        case failed(any Error)
        /// It could not be checked because of something that failed before.
        case skipped(String)
    }

    /// What was checked.
    public var check: Check
    /// The container's name in the pod, if it was about one.
    public var container: String?
    /// What came of it.
    public var outcome: Outcome

    /// Creates a finding.
    public init(_ check: Check, container: String? = nil, _ outcome: Outcome) {
        self.check = check
        self.container = container
        self.outcome = outcome
    }

    /// Whether a capture would fail because of it.
    public var isFailure: Bool {
        guard case .failed = outcome else { return false }
        return true
    }
}
