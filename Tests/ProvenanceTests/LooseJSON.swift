// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

/// A JSON document as it is, whatever it is: dictionaries, lists, strings, whole numbers, truth values and `NSNull`.
struct LooseJSON: Decodable {
    let value: Any

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            value = NSNull()
        } else if let bool = try? container.decode(Bool.self) {
            value = bool
        } else if let number = try? container.decode(Int.self) {
            value = number
        } else if let text = try? container.decode(String.self) {
            value = text
        } else if let list = try? container.decode([LooseJSON].self) {
            value = list.map(\.value)
        } else {
            value = try container.decode([String: LooseJSON].self).mapValues(\.value)
        }
    }

    /// The members of an object; nil if it is none.
    static func object(_ bytes: some Sequence<UInt8>) throws -> [String: Any]? {
        try JSONDecoder().decode(LooseJSON.self, from: Data(bytes)).value as? [String: Any]
    }
}
