// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What went wrong with an image, a registry or an image layout.
///
/// Its description is a sentence for people: what was tried, on what, what happened, and what to do about it.
public struct RegistryError: Error, Sendable {
    /// What kind of fault it is, for code that has to tell one from another.
    public enum Kind: Sendable, Hashable {
        /// A digest, a reference or a location is not written as it should be.
        case invalidReference
        /// A document (manifest, config, index, credentials file) is not what its format says.
        case malformedDocument
        /// No connection could be made, or it broke and did not come back.
        case unreachable
        /// The TLS handshake failed: an unknown authority, another host's certificate, or no TLS at all.
        case tls
        /// No answer in time.
        case timeout
        /// Credentials are missing or were refused.
        case unauthorized
        /// The program that keeps the credentials could not be run or did not answer as it should.
        case credentialHelper
        /// The credentials are good but not for this.
        case forbidden
        /// The image, manifest, blob or upload is not there.
        case notFound
        /// The registry has dropped an upload half-way; all of the blob has to be sent again.
        case uploadLost
        /// The bytes have another digest than they were asked for by.
        case digestMismatch
        /// There are more or fewer bytes than the descriptor says.
        case sizeMismatch
        /// More bytes than we are willing to hold in memory.
        case tooLarge
        /// Asked too often.
        case rateLimited
        /// The registry failed (5xx).
        case serverFault
        /// The registry answered something that the protocol does not foresee.
        case unexpectedAnswer
        /// The image has nothing for the platform that was asked for.
        case noSuchPlatform
        /// Reading or writing an image layout's files failed.
        case storage
    }

    /// One entry of a registry's own error document.
    public struct Answer: Sendable, Hashable {
        /// The code, such as `MANIFEST_UNKNOWN`.
        public var code: String
        /// The registry's sentence, at most 300 characters of it.
        public var message: String

        /// Creates an entry.
        public init(code: String, message: String) {
            self.code = code
            self.message = message
        }
    }

    /// The kind of fault.
    public var kind: Kind
    /// What was tried, as the rest of "could not ...": `get the manifest of`.
    public var operation: String
    /// What it was tried on, such as `registry.example/app:1`.
    public var subject: String
    /// What happened.
    public var reason: String
    /// What to do about it, if there is something better than trying again.
    public var advice: String?
    /// The HTTP status, if there was an answer.
    public var status: Int?
    /// The registry's own words, at most five.
    public var answers: [Answer]
    /// The error underneath.
    public var cause: (any Error)?

    /// Creates an error.
    public init(
        _ kind: Kind,
        operation: String,
        subject: String,
        reason: String,
        advice: String? = nil,
        status: Int? = nil,
        answers: [Answer] = [],
        cause: (any Error)? = nil
    ) {
        self.kind = kind
        self.operation = operation
        self.subject = subject
        self.reason = reason
        self.advice = advice
        self.status = status
        self.answers = answers
        self.cause = cause
    }

    /// Whether the thing asked for is not there.
    public var isNotFound: Bool { kind == .notFound }

    /// Whether credentials are missing or were refused.
    public var isUnauthorized: Bool { kind == .unauthorized }
}

extension RegistryError: CustomStringConvertible {
    /// The whole of it as one line.
    public var description: String {
        var text = "could not \(operation) \(subject): \(reason)"
        var details = status.map { ["HTTP \($0)"] } ?? []
        details += answers.map { $0.message.isEmpty ? $0.code : "\($0.code): \($0.message)" }
        if !details.isEmpty { text += " (\(details.joined(separator: "; ")))" }
        if let advice { text += "; \(advice)" }
        if let cause { text += " [\(String(String(describing: cause).prefix(500)))]" }
        return text
    }
}
