// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ContainerdAPI
import SwiftProtobuf

public import struct Foundation.Date

/// Something that happened in containerd.
public struct ContainerdEvent: Sendable, Hashable {
    /// When.
    public var timestamp: Date
    /// In which namespace.
    public var namespace: String
    /// What, such as `/tasks/exit`.
    public var topic: String
    /// The rest, as containerd encodes it.
    public var payload: TypedValue

    /// What it says of a task; nil if it is not about one, or of a kind this client does not know.
    public var task: TaskEvent? { TaskEvent(payload) }
}

/// Something that happened to a task.
public enum TaskEvent: Sendable, Hashable {
    /// Its first process was made.
    case created(container: String, pid: UInt32)
    /// Its first process was started.
    case started(container: String, pid: UInt32)
    /// One of its processes ended: the first one if `process` equals `container`.
    case exited(container: String, process: String, pid: UInt32, exit: TaskExit)
    /// It was deleted.
    case deleted(container: String, exit: TaskExit)
    /// The kernel killed a process because the container's memory was used up.
    case outOfMemory(container: String)
    /// It was frozen.
    case paused(container: String)
    /// It was thawed.
    case resumed(container: String)

    /// The container it happened to.
    public var container: String {
        switch self {
        case .created(let container, _), .started(let container, _), .exited(let container, _, _, _),
            .deleted(let container, _), .outOfMemory(let container), .paused(let container), .resumed(let container):
            container
        }
    }

    init?(_ payload: TypedValue) {
        func decode<Event: Message>(_ type: Event.Type) -> Event? {
            payload.typeURL.hasSuffix(Event.protoMessageName) ? try? Event(serializedBytes: payload.bytes) : nil
        }
        if let event = decode(Containerd_Events_TaskExit.self) {
            let exit = TaskExit(status: event.exitStatus, at: event.hasExitedAt ? event.exitedAt.date : nil)
            self = .exited(container: event.containerID, process: event.id, pid: event.pid, exit: exit)
        } else if let event = decode(Containerd_Events_TaskCreate.self) {
            self = .created(container: event.containerID, pid: event.pid)
        } else if let event = decode(Containerd_Events_TaskStart.self) {
            self = .started(container: event.containerID, pid: event.pid)
        } else if let event = decode(Containerd_Events_TaskDelete.self) {
            let exit = TaskExit(status: event.exitStatus, at: event.hasExitedAt ? event.exitedAt.date : nil)
            self = .deleted(container: event.containerID, exit: exit)
        } else if let event = decode(Containerd_Events_TaskOOM.self) {
            self = .outOfMemory(container: event.containerID)
        } else if let event = decode(Containerd_Events_TaskPaused.self) {
            self = .paused(container: event.containerID)
        } else if let event = decode(Containerd_Events_TaskResumed.self) {
            self = .resumed(container: event.containerID)
        } else {
            return nil
        }
    }
}

extension ContainerdEvent {
    init(_ message: Containerd_Services_Events_V1_Envelope) {
        self.init(
            timestamp: message.timestamp.date,
            namespace: message.namespace,
            topic: message.topic,
            payload: TypedValue(message.event)
        )
    }
}
