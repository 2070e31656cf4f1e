// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

extension BatchSandbox {
    /// Its move to another server, if there is or was one. What nobody can read is none.
    var move: Move? {
        metadata.annotations[OpenSandbox.Annotation.move].flatMap { text in
            try? JSONDecoder().decode(Move.self, from: Data(text.utf8))
        }
    }

    /// What makes a move what is written down; nil removes it.
    ///
    /// - Throws: What an encoder throws.
    static func patch(move: Move?) throws -> KubeModels.JSONValue {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let text = try move.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
        return ["metadata": ["annotations": [OpenSandbox.Annotation.move: text.map { .string($0) } ?? .null]]]
    }
}
