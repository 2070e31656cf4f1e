// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import SwiftProtobuf

public import struct Foundation.Date

/// The processes of a container.
public struct ContainerTask: Sendable, Hashable {
    /// Whether they run.
    public enum Status: String, Sendable, Hashable, Codable {
        /// Made but not started.
        case created
        /// Running.
        case running
        /// Ended.
        case stopped
        /// Frozen.
        case paused
        /// Being frozen.
        case pausing
        /// Something this client does not know.
        case unknown
    }

    /// The container's ID.
    public var containerID: String
    /// The first process, as the host numbers it; 0 if there is none.
    public var pid: UInt32
    /// Whether they run.
    public var status: Status
    /// How the first process ended, if it did.
    public var exit: TaskExit?
    /// Where the first process reads from; empty if nowhere.
    public var standardInput: String
    /// Where its output goes; empty if nowhere.
    public var standardOutput: String
    /// Where its errors go; empty if nowhere.
    public var standardError: String
    /// Whether it has a terminal.
    public var hasTerminal: Bool
}

/// How a container's first process ended.
public struct TaskExit: Sendable, Hashable {
    /// The exit status; 128 plus the signal's number if it was killed.
    public var status: UInt32
    /// When; nil if containerd does not know.
    public var at: Date?

    /// Creates an exit from its values.
    public init(status: UInt32, at: Date?) {
        self.status = status
        self.at = at
    }
}

extension ContainerTask {
    init(_ message: Containerd_Types_TaskProcess) {
        let status: Status =
            switch message.status {
            case .created: .created
            case .running: .running
            case .stopped: .stopped
            case .paused: .paused
            case .pausing: .pausing
            case .unknown, .UNRECOGNIZED: .unknown
            }
        self.init(
            // Get fills only `id`, List only `container_id` or both, depending on the version.
            containerID: message.containerID.isEmpty ? message.id : message.containerID,
            pid: message.pid,
            status: status,
            exit: status == .stopped
                ? TaskExit(status: message.exitStatus, at: message.hasExitedAt ? message.exitedAt.date : nil) : nil,
            standardInput: message.stdin,
            standardOutput: message.stdout,
            standardError: message.stderr,
            hasTerminal: message.terminal
        )
    }
}
