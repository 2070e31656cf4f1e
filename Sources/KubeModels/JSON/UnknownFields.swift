// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The members of an object that its type has no fields for, kept as they were read.
public struct UnknownFields: Sendable, Hashable {
    private(set) var members: [String: RawJSON] = [:]

    /// Creates none.
    public init() {}

    /// Their names, in order.
    public var names: [String] { members.keys.sorted() }

    /// Whether there are none.
    public var isEmpty: Bool { members.isEmpty }

    /// A member; `nil` to remove it.
    ///
    /// The name of a field that the type knows does not belong here: it would be written twice.
    public subscript(name: String) -> RawJSON? {
        get { members[name] }
        set { members[name] = newValue }
    }
}
