// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// A question about fields, for those few that an API server can select by: `metadata.name=web,status.phase!=Running`.
public struct FieldQuery: Sendable, Hashable {
    /// What must be true of one field.
    public struct Requirement: Sendable, Hashable {
        /// The field, such as `spec.nodeName`.
        public var field: String
        /// The value that it has, or has not.
        public var value: String
        /// Whether it has the value.
        public var isEqual: Bool
    }

    /// What must be true. All of it must be.
    public private(set) var requirements: [Requirement] = []

    /// Asks for nothing.
    public init() {}

    /// Asks for an object by its name.
    public static func name(_ name: String) -> FieldQuery { FieldQuery().and("metadata.name", equals: name) }

    /// Asks for a value besides.
    public func and(_ field: String, equals value: String) -> FieldQuery { adding(field, value, isEqual: true) }

    /// Asks for any other value besides.
    public func and(_ field: String, differsFrom value: String) -> FieldQuery { adding(field, value, isEqual: false) }

    private func adding(_ field: String, _ value: String, isEqual: Bool) -> FieldQuery {
        var query = self
        query.requirements.append(Requirement(field: field, value: value, isEqual: isEqual))
        return query
    }
}

extension FieldQuery: CustomStringConvertible {
    /// The text, with `\`, `,` and `=` in values escaped.
    public var description: String {
        requirements.map { requirement in
            let value = ["\\", ",", "="].reduce(requirement.value) { $0.replacing($1, with: "\\" + $1) }
            return requirement.field + (requirement.isEqual ? "=" : "!=") + value
        }.joined(separator: ",")
    }
}
