// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a pod does, as its kubelet tells.
public struct PodStatus: JSONFields {
    /// `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown`.
    public var phase: String?
    /// `PodScheduled`, `Initialized`, `ContainersReady`, `Ready` and others.
    public var conditions: [Condition] = []
    /// Why it is so, in one word, such as `Evicted`.
    public var reason: String?
    /// Why it is so, for people.
    public var message: String?
    /// Its node's address.
    public var hostIP: String?
    /// Its address.
    public var podIP: String?
    /// All its addresses.
    public var podIPs: [PodIP] = []
    /// When its kubelet took it on.
    public var startTime: Timestamp?
    /// `Guaranteed`, `Burstable` or `BestEffort`.
    public var qosClass: String?
    /// What its init containers do.
    public var initContainerStatuses: [ContainerStatus] = []
    /// What its containers do.
    public var containerStatuses: [ContainerStatus] = []
    /// What containers do that were added to debug it.
    public var ephemeralContainerStatuses: [ContainerStatus] = []
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("phase", &phase)
        try fields.field("conditions", &conditions)
        try fields.field("reason", &reason)
        try fields.field("message", &message)
        try fields.field("hostIP", &hostIP)
        try fields.field("podIP", &podIP)
        try fields.field("podIPs", &podIPs)
        try fields.field("startTime", &startTime)
        try fields.field("qosClass", &qosClass)
        try fields.field("initContainerStatuses", &initContainerStatuses)
        try fields.field("containerStatuses", &containerStatuses)
        try fields.field("ephemeralContainerStatuses", &ephemeralContainerStatuses)
    }
}

/// One of a pod's addresses.
public struct PodIP: JSONFields {
    /// The address.
    public var ip = ""
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("ip", &ip)
    }
}

/// What a container does.
public struct ContainerStatus: JSONFields {
    /// Its name in the pod.
    public var name = ""
    /// What it does now.
    public var state: ContainerState?
    /// How it ended before it was started again.
    public var lastState: ContainerState?
    /// Whether it passes its readiness probe.
    public var ready = false
    /// Whether it passes its startup probe.
    public var started: Bool?
    /// How often it was started again.
    public var restartCount = 0
    /// The image, as the runtime calls it.
    public var image = ""
    /// The image by its digest, with the runtime's prefix.
    public var imageID = ""
    /// The container: `containerd://...`.
    public var containerID: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("name", &name)
        try fields.field("state", &state)
        try fields.field("lastState", &lastState)
        try fields.field("ready", &ready)
        try fields.field("started", &started)
        try fields.field("restartCount", &restartCount)
        try fields.field("image", &image)
        try fields.field("imageID", &imageID)
        try fields.field("containerID", &containerID)
    }
}

/// One of three; if none, it waits.
public struct ContainerState: JSONFields {
    /// It does not run yet.
    public var waiting: ContainerStateWaiting?
    /// It runs.
    public var running: ContainerStateRunning?
    /// It has ended.
    public var terminated: ContainerStateTerminated?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("waiting", &waiting)
        try fields.field("running", &running)
        try fields.field("terminated", &terminated)
    }
}

/// A container that does not run yet.
public struct ContainerStateWaiting: JSONFields {
    /// Why, in one word, such as `ImagePullBackOff`.
    public var reason: String?
    /// Why, for people.
    public var message: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("reason", &reason)
        try fields.field("message", &message)
    }
}

/// A container that runs.
public struct ContainerStateRunning: JSONFields {
    /// Since when.
    public var startedAt: Timestamp?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("startedAt", &startedAt)
    }
}

/// A container that has ended.
public struct ContainerStateTerminated: JSONFields {
    /// Its exit code.
    public var exitCode = 0
    /// The signal that ended it.
    public var signal: Int?
    /// Why, in one word, such as `OOMKilled`.
    public var reason: String?
    /// What it left in its termination message.
    public var message: String?
    /// When it began.
    public var startedAt: Timestamp?
    /// When it ended.
    public var finishedAt: Timestamp?
    /// Which container it was.
    public var containerID: String?
    /// What this type has no fields for.
    public var unknownFields = UnknownFields()

    /// Creates an empty one.
    public init() {}

    /// Its fields.
    public mutating func visit(_ fields: inout FieldVisitor) throws(JSONError) {
        try fields.field("exitCode", &exitCode)
        try fields.field("signal", &signal)
        try fields.field("reason", &reason)
        try fields.field("message", &message)
        try fields.field("startedAt", &startedAt)
        try fields.field("finishedAt", &finishedAt)
        try fields.field("containerID", &containerID)
    }
}
