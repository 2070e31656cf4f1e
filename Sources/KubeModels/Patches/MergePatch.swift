// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A change as a document like the one that is changed: members with new values, `null` for those that go (RFC 7396).
///
/// Arrays are replaced as a whole.
public struct MergePatch: Sendable, Hashable {
    /// The document.
    public var document: JSONValue

    /// Creates a patch.
    public init(_ document: JSONValue) { self.document = document }

    /// What changes one object into another one of its type. What neither has a field for is compared, too.
    ///
    /// - Throws: `JSONError` if one of them writes no JSON, which none of this module's does.
    public init<Object: JSONConvertible>(from old: Object, to new: Object) throws(JSONError) {
        document = Self.difference(from: try JSONValue(encoding: old), to: try JSONValue(encoding: new)) ?? [:]
    }

    /// Whether it changes nothing.
    public var isEmpty: Bool { document == [:] }

    /// The patch, bound to a state: the API server refuses it with a conflict if the object has changed since.
    public func requiring(resourceVersion: String) -> MergePatch {
        var patch = self
        patch.document["metadata", default: [:]]["resourceVersion"] = .string(resourceVersion)
        return patch
    }

    /// What it makes of a document.
    public func applied(to document: JSONValue) -> JSONValue { Self.apply(self.document, to: document) }

    private static func apply(_ patch: JSONValue, to target: JSONValue?) -> JSONValue {
        guard case .object(let changes) = patch else { return patch }
        var members = target?.object ?? [:]
        for (name, change) in changes {
            if change == .null {
                members.removeValue(forKey: name)
            } else {
                members[name] = apply(change, to: members[name])
            }
        }
        return .object(members)
    }

    private static func difference(from old: JSONValue, to new: JSONValue) -> JSONValue? {
        if old == new { return nil }
        guard case .object(let before) = old, case .object(let after) = new else { return new }
        var changes: [String: JSONValue] = [:]
        for name in before.keys where after[name] == nil { changes[name] = .null }
        for (name, value) in after {
            guard let earlier = before[name] else {
                changes[name] = value
                continue
            }
            if let change = difference(from: earlier, to: value) { changes[name] = change }
        }
        return .object(changes)
    }
}

extension JSONValue {
    /// A member of an object, or what stands in for one that is not there.
    subscript(name: String, default value: JSONValue) -> JSONValue {
        get { self[name] ?? value }
        set { self[name] = newValue }
    }
}
