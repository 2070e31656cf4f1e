// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The machine's own time limits, which come from the configuration of whoever runs it.
public struct LifecyclePolicy: Sendable, Hashable, Codable {
    /// Seconds from the order to pause until the holder of the freeze thaws by itself, unless it was sealed before.
    public var captureTimeout: Double
    /// Seconds after that deadline when the thaw is taken for done although the holder has not said so; more than the
    /// clocks of the node and of the machine ever differ, plus the time a thaw takes.
    public var thawGrace: Double
    /// Seconds from the order to resume until compute that has not come up is given up and the sandbox is paused again; nil for
    /// never.
    public var resumeTimeout: Double?
    /// How many replicas an aggregate may have to be paused, of which it has one at least then; nil for any number, and none.
    public var maximumPauseReplicas: Int?

    /// Creates a policy; the default gives a pause ten minutes, and a resume for ever, of however many replicas.
    public init(
        captureTimeout: Double = 600,
        thawGrace: Double = 30,
        resumeTimeout: Double? = nil,
        maximumPauseReplicas: Int? = nil
    ) {
        self.captureTimeout = captureTimeout
        self.thawGrace = thawGrace
        self.resumeTimeout = resumeTimeout
        self.maximumPauseReplicas = maximumPauseReplicas
    }
}
