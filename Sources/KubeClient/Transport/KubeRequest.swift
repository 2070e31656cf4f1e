// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import NIOHTTP1

/// One request to an API server, before it is authorised and sent. It can be sent several times.
struct KubeRequest: Sendable {
    /// What is tried and on what, for errors.
    let operation: String
    let subject: String

    /// What kind of answer is awaited.
    enum Answer: Sendable {
        /// One that ends.
        case document
        /// One that ends and may be long: it is read as it is asked for.
        case text
        /// One that goes on, and says something from time to time.
        case watch
        /// One that goes on, and may be silent, or not even begin, for as long as a program says nothing.
        case log
    }

    var method: HTTPMethod = .GET
    /// Begins with a slash; its parts are percent-encoded.
    var path: String
    var query: [(name: String, value: String)] = []
    var accept = "application/json"
    var contentType = "application/json"
    var body: ByteBuffer?
    /// Whether it may be sent again after a failure that left open what became of it.
    var isRepeatable = false
    /// What kind of answer is awaited.
    var answer = Answer.document

    /// Path and query.
    var target: String {
        guard !query.isEmpty else { return path }
        let items = query.map { "\(Self.encode($0.name))=\(Self.encode($0.value))" }
        return path + (path.contains("?") ? "&" : "?") + items.joined(separator: "&")
    }

    /// Adds a parameter that has a value.
    mutating func add(_ name: String, _ value: (some CustomStringConvertible)?) {
        if let value { query.append((name, value.description)) }
    }

    /// Percent-encodes everything but the unreserved characters (RFC 3986).
    static func encode(_ text: String) -> String {
        if text.utf8.allSatisfy(isUnreserved) { return text }
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            if isUnreserved(byte) {
                encoded.append(byte)
            } else {
                let digits = Array("0123456789ABCDEF".utf8)
                encoded += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
            UInt8(ascii: "~"):
            true
        default: false
        }
    }

    /// An error about this request.
    func fault(
        _ kind: KubeError.Kind,
        _ reason: String,
        advice: String? = nil,
        cause: (any Error)? = nil
    ) -> KubeError {
        KubeError(kind, operation: operation, subject: subject, reason: reason, advice: advice, cause: cause)
    }
}
