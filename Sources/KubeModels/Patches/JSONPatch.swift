// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A change as a list of steps, which are all done or none (RFC 6902). With a `test` first it is a compare-and-swap on any
/// field.
public struct JSONPatch: Sendable, Hashable {
    /// One step.
    public enum Step: Sendable, Hashable {
        /// Adds a member, or inserts an element before a place in an array (`-` for its end).
        case add(JSONPointer, JSONValue)
        /// Replaces what is there.
        case replace(JSONPointer, JSONValue)
        /// Removes what is there.
        case remove(JSONPointer)
        /// Fails, and all with it, if there is another value.
        case test(JSONPointer, JSONValue)
        /// Moves a value.
        case move(from: JSONPointer, to: JSONPointer)
        /// Copies a value.
        case copy(from: JSONPointer, to: JSONPointer)
    }

    /// The steps in their order.
    public var steps: [Step]

    /// Creates a patch.
    public init(_ steps: [Step]) { self.steps = steps }

    /// The patch as it is sent.
    public var document: JSONValue { .array(steps.map(\.document)) }
}

extension JSONPatch.Step {
    fileprivate var document: JSONValue {
        switch self {
        case .add(let path, let value): ["op": "add", "path": .string(path.description), "value": value]
        case .replace(let path, let value): ["op": "replace", "path": .string(path.description), "value": value]
        case .remove(let path): ["op": "remove", "path": .string(path.description)]
        case .test(let path, let value): ["op": "test", "path": .string(path.description), "value": value]
        case .move(let from, let path):
            ["op": "move", "from": .string(from.description), "path": .string(path.description)]
        case .copy(let from, let path):
            ["op": "copy", "from": .string(from.description), "path": .string(path.description)]
        }
    }
}

/// A place in a JSON document (RFC 6901), with its names as they are: `["metadata", "annotations", "a/b"]`.
public struct JSONPointer: Sendable, Hashable, ExpressibleByArrayLiteral, CustomStringConvertible {
    /// Names of members and places in arrays, from the outside in.
    public var tokens: [String]

    /// Creates a pointer; without tokens it is the document itself.
    public init(_ tokens: [String]) { self.tokens = tokens }

    /// Creates a pointer.
    public init(arrayLiteral tokens: String...) { self.tokens = tokens }

    /// As it is sent: `/metadata/annotations/a~1b`.
    public var description: String {
        tokens.map { "/" + $0.replacing("~", with: "~0").replacing("/", with: "~1") }.joined()
    }
}
