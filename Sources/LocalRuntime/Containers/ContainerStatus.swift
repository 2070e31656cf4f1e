// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import struct Foundation.Date

/// A sandbox's container that was started.
public struct RunningContainer: Sendable, Hashable {
    /// The sandbox's identity.
    public var id: String
    /// Its first process, as this machine numbers it.
    public var processID: UInt32
    /// Its IPv4 address; this machine reaches every port of it.
    public var address: String
}

/// How a container's first process ended.
public struct ContainerExit: Sendable, Hashable {
    /// The exit code; 128 plus the signal's number if it was killed. Nil if nobody saw it end, as when the machine was
    /// restarted.
    public var code: UInt32?
    /// When, if that is known.
    public var at: Date?

    /// Creates an exit from its values.
    public init(code: UInt32?, at: Date?) {
        self.code = code
        self.at = at
    }
}

/// What there is of a container now.
public enum ContainerStatus: Sendable, Hashable {
    /// Nothing, or only remains of one that never came up; `ContainerRuntime.remove` clears them away.
    case absent
    /// Its first process was made and waits to be started.
    case created(processID: UInt32)
    /// It runs. A container that is just being frozen runs until it is frozen.
    case running(processID: UInt32)
    /// All its processes are frozen.
    case paused(processID: UInt32)
    /// Its first process ended; its root filesystem is still there.
    case stopped(ContainerExit)
}

/// A container of this runtime, as recovery finds it.
public struct FoundContainer: Sendable, Hashable {
    /// The sandbox's identity.
    public var id: String
    /// What there is of it.
    public var status: ContainerStatus
    /// Its IPv4 address, if it had got one.
    public var address: String?
    /// The name of the image that it was made from (`LocalImage.name`), if it was made.
    public var image: String?
}
