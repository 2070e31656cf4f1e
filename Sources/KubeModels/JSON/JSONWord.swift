// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A word of a list that may grow: a phase, a policy. One that is not on the list survives as it is.
///
/// ```swift
/// struct WidgetPhase: JSONWord {
///     var rawValue: String
///     init(rawValue: String) { self.rawValue = rawValue }
///
///     static let ready = WidgetPhase(rawValue: "Ready")
///     static let known: [WidgetPhase] = [.ready]
/// }
/// ```
public protocol JSONWord: JSONConvertible, RawRepresentable, CustomStringConvertible where RawValue == String {
    /// Creates one from its word, whatever that is.
    init(rawValue: String)

    /// The words there are so far, in the order of a schema's `enum`.
    static var known: [Self] { get }
}

extension JSONWord {
    /// Reads a string.
    public init(from reader: inout JSONReader) throws(JSONError) {
        self.init(rawValue: try reader.readString())
    }

    /// Writes a string.
    public func write(to writer: inout JSONWriter) { writer.write(rawValue) }

    /// The word.
    public var description: String { rawValue }
}
