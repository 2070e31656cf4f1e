// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import GRPCCore

/// Why containerd did not do what it was asked to.
public struct ContainerdError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure, for programs. They are gRPC's codes as containerd uses them.
    public enum Code: String, Sendable, Hashable, Codable {
        /// What the call was about does not exist.
        case notFound
        /// What the call was to make exists already.
        case alreadyExists
        /// Its state does not allow the call: a process that is not running, a snapshot that is still in use.
        case failedPrecondition
        /// An argument is malformed.
        case invalidArgument
        /// Another writer holds what the call needs; it may succeed later.
        case locked
        /// containerd could not be reached, or the connection broke. What became of the call is not known.
        case unavailable
        /// The socket may not be used by this user.
        case permissionDenied
        /// There was no answer in time. What became of the call is not known.
        case deadlineExceeded
        /// The content does not have the digest or size that it should have.
        case dataLoss
        /// This containerd does not have the service or the method.
        case unimplemented
        /// Anything else.
        case unknown
    }

    /// The kind of failure.
    public var code: Code
    /// The service's method, as in `Tasks.Pause`.
    public var operation: String
    /// What the call was about, as in `container 3f2a...`.
    public var subject: String
    /// containerd's own words.
    public var message: String
    /// What to do about it, where that is known.
    public var advice: String?
    /// What it was caused by.
    public var cause: (any Error)?

    /// Creates an error from its values.
    public init(
        _ code: Code,
        operation: String,
        subject: String,
        message: String,
        advice: String? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.operation = operation
        self.subject = subject
        self.message = message
        self.advice = advice
        self.cause = cause
    }

    /// Whether what the call was about does not exist.
    public var isNotFound: Bool { code == .notFound }

    /// Whether what the call was to make exists already.
    public var isAlreadyExists: Bool { code == .alreadyExists }

    /// Whether containerd has answered that it cannot write to its disk. Then it has not done what it was asked for.
    var saysThatDiskIsFull: Bool {
        code == .unknown && ["no space left on device", "read-only file system"].contains { message.contains($0) }
    }

    /// One or two sentences: what happened, to what, and what to do.
    public var description: String {
        let sentence = message.hasSuffix(".") ? String(message.dropLast()) : message
        let happened = "containerd \(operation) of \(subject) failed: \(sentence)"
        guard let advice else { return happened }
        return "\(happened). \(advice)"
    }

    /// What `body` answers, or nil if it found nothing.
    public static func nilIfNotFound<Value: Sendable>(
        isolation: isolated (any Actor)? = #isolation,
        _ body: () async throws -> Value
    ) async throws -> Value? {
        do {
            return try await body()
        } catch let error as ContainerdError where error.isNotFound {
            return nil
        }
    }
}

extension ContainerdError {
    init(_ error: RPCError, operation: String, subject: String, socket: String) {
        let code = Code(error)
        self.init(
            code,
            operation: operation,
            subject: subject,
            message: error.message,
            advice: code == .unavailable || code == .deadlineExceeded ? SocketDiagnosis(socket: socket).advice : nil,
            cause: error
        )
    }
}

extension ContainerdError.Code {
    fileprivate init(_ error: RPCError) {
        switch error.code {
        case .notFound: self = .notFound
        case .alreadyExists: self = .alreadyExists
        case .failedPrecondition, .aborted, .outOfRange: self = .failedPrecondition
        case .invalidArgument: self = .invalidArgument
        // containerd says "unavailable" of a content reference that another writer has open.
        case .unavailable: self = error.message.contains("locked") ? .locked : .unavailable
        case .permissionDenied, .unauthenticated: self = .permissionDenied
        case .deadlineExceeded: self = .deadlineExceeded
        case .dataLoss: self = .dataLoss
        case .unimplemented: self = .unimplemented
        default: self = .unknown
        }
    }
}
