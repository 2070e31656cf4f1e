// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A whole number or a string, where Kubernetes takes either: a port by its number or its name, a count or a percentage.
public enum IntOrString: Sendable, Hashable {
    /// A number.
    case int(Int)
    /// A string.
    case string(String)
}

extension IntOrString: JSONConvertible {
    /// Reads a number or a string.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self = try reader.nextKind() == .number ? .int(try reader.readInteger()) : .string(try reader.readString())
    }
    /// Writes a number or a string.
    public func write(to writer: inout JSONWriter) {
        switch self {
        case .int(let value): value.write(to: &writer)
        case .string(let value): value.write(to: &writer)
        }
    }
}

extension IntOrString: CustomStringConvertible {
    /// The number or the string.
    public var description: String {
        switch self {
        case .int(let value): String(value)
        case .string(let value): value
        }
    }
}

extension IntOrString: ExpressibleByIntegerLiteral, ExpressibleByStringLiteral {
    /// A number.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// A string.
    public init(stringLiteral value: String) { self = .string(value) }
}
