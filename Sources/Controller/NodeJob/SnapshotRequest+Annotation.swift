// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SnapshotProvider

import struct Foundation.Data
import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

/// A request as it is kept in the cluster.
extension SnapshotRequest {
    /// The annotation of a SandboxSnapshot, and of its Job, that has it.
    static let annotationName = "stasis.dev/snapshot-request"

    /// Reads one; nil if it is none.
    init?(annotation: String) {
        guard let request = try? JSONDecoder().decode(SnapshotRequest.self, from: Data(annotation.utf8)) else {
            return nil
        }
        self = request
    }

    /// The same request gives the same text.
    var annotation: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        // Strings and dates can always be encoded.
        let bytes = (try? encoder.encode(self)) ?? Data()
        return String(decoding: bytes, as: UTF8.self)
    }
}
