// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A JSON document as it was sent, before anybody has said what it should be.
///
/// Codable stops at the first value of a wrong type; clients of the OpenSandbox API are told about all of them at once,
/// each with its place.
enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case integer(Int)
    /// Any number that is not an integer of 64 bits.
    case number(Double)
    case string(String)
    case array([JSONValue])
    /// Of members with one name the last counts.
    case object([String: JSONValue])
}

/// Where a text stops being JSON.
struct JSONSyntaxError: Error, Equatable {
    /// Bytes from the beginning of the text.
    var offset: Int
    /// What was expected there.
    var message: String
}
