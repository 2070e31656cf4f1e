// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

extension JSONValue {
    /// What was sent, for those who take it apart themselves.
    var raw: RawJSON { RawJSON(tree) }

    /// The value on one line.
    var text: String { raw.text }

    private var tree: KubeModels.JSONValue {
        switch self {
        case .null: .null
        case .bool(let value): .bool(value)
        case .integer(let value): .number(JSONNumber(value))
        // What was read is finite.
        case .number(let value): .number(JSONNumber(value) ?? JSONNumber(0))
        case .string(let value): .string(value)
        case .array(let elements): .array(elements.map(\.tree))
        case .object(let members): .object(members.mapValues(\.tree))
        }
    }
}
