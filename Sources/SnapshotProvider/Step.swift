// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The answer of one step of a provider.
public enum Step<Value: Sendable & Hashable>: Sendable, Hashable {
    /// The step is complete; calling it again gives the same.
    case done(Value)
    /// Call again when one of `wakeOn` happens.
    case waiting(SnapshotProgress, wakeOn: [WakeReason])
    /// The step will not succeed by calling it again, unless the failure says that it may.
    case failed(SnapshotFailure)

    /// The next step after one that is done; else what this one says.
    public func map<Next>(_ next: (Value) -> Step<Next>) -> Step<Next> {
        switch self {
        case .done(let value): next(value)
        case .waiting(let progress, let reasons): .waiting(progress, wakeOn: reasons)
        case .failed(let failure): .failed(failure)
        }
    }
}

/// What a waiting step wants to be woken by. There is no polling: a step that names nothing is called when the
/// provider itself wakes its caller.
public enum WakeReason: Sendable, Hashable {
    /// An object of the cluster changes: its kind, namespace and name.
    case object(kind: String, namespace: String, name: String)
    /// So much time has passed.
    case after(Duration)
}

/// How far a capture is.
public struct SnapshotProgress: Sendable, Hashable, Codable {
    /// What is being done, one of the words in the documentation of the provider (`freezing`, `copying` ...).
    public var stage: String
    /// Bytes of the sandbox read so far.
    public var bytesRead: Int64
    /// Bytes sent to the store so far.
    public var bytesWritten: Int64
    /// Bytes of the sandbox that will be read, if known beforehand.
    public var bytesTotal: Int64?

    /// Creates a progress from its values.
    public init(_ stage: String, bytesRead: Int64 = 0, bytesWritten: Int64 = 0, bytesTotal: Int64? = nil) {
        self.stage = stage
        self.bytesRead = bytesRead
        self.bytesWritten = bytesWritten
        self.bytesTotal = bytesTotal
    }
}

/// Why a step failed.
public struct SnapshotFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// One CamelCase word for programs.
    public var reason: String
    /// What happened, to what, and what to do.
    public var message: String
    /// Whether the same call may succeed later without anybody changing anything.
    public var isRetryable: Bool

    /// Creates a failure.
    public init(_ reason: String, _ message: String, isRetryable: Bool = false) {
        self.reason = reason
        self.message = message
        self.isRetryable = isRetryable
    }

    /// `reason: message`.
    public var description: String { "\(reason): \(message)" }
}
