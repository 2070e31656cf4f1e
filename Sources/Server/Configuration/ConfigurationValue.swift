// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A value of a configuration file, whatever language the file is written in.
enum ConfigurationValue: Sendable, Equatable {
    case string(String)
    case integer(Int)
    case double(Double)
    case bool(Bool)
    case array([ConfigurationValue])
    case table([String: ConfigurationValue])
    /// A date or a time, which no key of ours takes.
    case date

    /// Whether it is a table.
    var isTable: Bool {
        guard case .table = self else { return false }
        return true
    }

    /// What the value is, in the words of an error message.
    var kind: String {
        switch self {
        case .string: "a string"
        case .integer: "an integer"
        case .double: "a number with a fraction"
        case .bool: "a boolean"
        case .array: "a list"
        case .table: "a table"
        case .date: "a date or time"
        }
    }
}
