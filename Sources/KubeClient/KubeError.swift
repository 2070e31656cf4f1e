// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What went wrong between us and a Kubernetes API server.
///
/// Its description is a sentence for people: what was tried, on what, what happened, and what to do about it.
public struct KubeError: Error, Sendable {
    /// What kind of fault it is, for code that has to tell one from another.
    public enum Kind: Sendable, Hashable {
        /// The configuration (kubeconfig, service account, addresses, certificates) cannot be used.
        case invalidConfiguration
        /// The program or file that credentials come from did not give any.
        case credentials
        /// The request could not be made from what was given, such as a name with a slash in it.
        case invalidRequest
        /// No connection could be made, or it broke.
        case unreachable
        /// The TLS handshake failed: an unknown authority, another host's certificate or an expired one, or no TLS at all.
        case tls
        /// No answer in time.
        case timeout
        /// Credentials are missing or were refused (401).
        case unauthorized
        /// The credentials are good but not for this (403).
        case forbidden
        /// The object, or its namespace, is not there (404).
        case notFound
        /// The server does not know the type at all (404), such as one whose CustomResourceDefinition is not installed.
        case notServed
        /// There is an object of this name already (409).
        case alreadyExists
        /// The object has changed since it was read, or another manager owns a field (409).
        case conflict
        /// The object is not as it must be, or a precondition is not met (400, 422).
        case invalid
        /// The resourceVersion or the continue token is too old (410): list again.
        case expired
        /// Asked too often (429).
        case rateLimited
        /// More bytes than we are willing to hold in memory, or than the server takes (413).
        case tooLarge
        /// The server failed (5xx).
        case serverFault
        /// The answer is not what the protocol foresees, such as a proxy's page.
        case unexpectedAnswer
        /// The answer is no JSON, or no JSON of the type that was asked for.
        case malformedAnswer
    }

    /// The kind of fault.
    public var kind: Kind
    /// What was tried, as the rest of "could not ...": `get`.
    public var operation: String
    /// What it was tried on, such as `Pod team/web`.
    public var subject: String
    /// What happened.
    public var reason: String
    /// What to do about it, if there is something better than trying again.
    public var advice: String?
    /// The HTTP status, if there was an answer.
    public var statusCode: Int?
    /// The server's own words, if it has said any.
    public var status: Status?
    /// The error underneath.
    public var cause: (any Error)?

    /// Creates an error.
    public init(
        _ kind: Kind,
        operation: String,
        subject: String,
        reason: String,
        advice: String? = nil,
        statusCode: Int? = nil,
        status: Status? = nil,
        cause: (any Error)? = nil
    ) {
        self.kind = kind
        self.operation = operation
        self.subject = subject
        self.reason = reason
        self.advice = advice
        self.statusCode = statusCode
        self.status = status
        self.cause = cause
    }

    /// Whether the object is not there.
    public var isNotFound: Bool { kind == .notFound }
    /// Whether there is an object of this name already.
    public var isAlreadyExists: Bool { kind == .alreadyExists }
    /// Whether somebody else was faster.
    public var isConflict: Bool { kind == .conflict }
    /// Whether the state that was asked for is too old.
    public var isExpired: Bool { kind == .expired }

    /// The single reasons that the server gives, such as which field is not as it must be.
    public var causes: [StatusCause] { status?.details?.causes ?? [] }

    /// The fields that other managers own, if a server-side apply was refused for that.
    public var applyConflicts: [ApplyConflict] { causes.compactMap { ApplyConflict($0) } }
}

extension KubeError: CustomStringConvertible {
    /// The whole of it as one line.
    public var description: String {
        var text = "could not \(operation) \(subject): \(reason)"
        var details = statusCode.map { ["HTTP \($0)"] } ?? []
        if let word = status?.reason, !word.isEmpty { details.append(word.onOneLine(limit: 80)) }
        if !details.isEmpty { text += " (\(details.joined(separator: "; ")))" }
        if let advice { text += "; \(advice)" }
        if let cause { text += " [\(String(describing: cause).onOneLine(limit: 500))]" }
        return text
    }
}

/// A field that a server-side apply would have taken from another manager.
public struct ApplyConflict: Sendable, Hashable {
    /// Who owns it.
    public var manager: String
    /// The field, such as `.spec.replicas`.
    public var field: String
    /// The server's sentence.
    public var message: String

    /// Reads the manager out of the server's sentence, `conflict with "manager" using v1 at ...`, which is the only place
    /// where it is.
    init?(_ cause: StatusCause) {
        guard cause.reason == "FieldManagerConflict", let message = cause.message else { return nil }
        self.message = message
        field = cause.field ?? ""
        // Go's %q: a quote within the name has a backslash before it.
        var manager = ""
        var isEscaped = false
        let quoted = message.drop { $0 != "\"" }.dropFirst()
        for character in quoted {
            if isEscaped {
                manager.append(character)
                isEscaped = false
            } else if character == "\\" {
                isEscaped = true
            } else if character == "\"" {
                break
            } else {
                manager.append(character)
            }
        }
        self.manager = manager
    }
}
