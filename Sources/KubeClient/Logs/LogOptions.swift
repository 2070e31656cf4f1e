// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// Which part of a container's log is read.
public struct LogOptions: Sendable, Hashable {
    /// The container; `nil` if the pod has only one.
    public var container: String?
    /// Whether to go on with what the container says from now on.
    public var isFollowing: Bool
    /// Whether it is the log of the container before, if this one was started again.
    public var isPrevious: Bool
    /// How many lines of the past, the last ones; `nil` for all.
    public var tailLines: Int?
    /// Only what was said in so many last seconds.
    public var sinceSeconds: Int?
    /// Only what was said since then.
    public var since: Timestamp?
    /// Whether each line begins with its time.
    public var hasTimestamps: Bool
    /// How many bytes at most.
    public var byteLimit: Int?

    /// Creates options.
    public init(
        container: String? = nil,
        isFollowing: Bool = false,
        isPrevious: Bool = false,
        tailLines: Int? = nil,
        sinceSeconds: Int? = nil,
        since: Timestamp? = nil,
        hasTimestamps: Bool = false,
        byteLimit: Int? = nil
    ) {
        self.container = container
        self.isFollowing = isFollowing
        self.isPrevious = isPrevious
        self.tailLines = tailLines
        self.sinceSeconds = sinceSeconds
        self.since = since
        self.hasTimestamps = hasTimestamps
        self.byteLimit = byteLimit
    }

    func apply(to request: inout KubeRequest) {
        request.add("container", container)
        request.add("follow", isFollowing ? "true" : nil)
        request.add("previous", isPrevious ? "true" : nil)
        request.add("tailLines", tailLines)
        request.add("sinceSeconds", sinceSeconds)
        request.add("sinceTime", since)
        request.add("timestamps", hasTimestamps ? "true" : nil)
        request.add("limitBytes", byteLimit)
    }
}
