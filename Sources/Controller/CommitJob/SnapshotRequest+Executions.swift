// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SnapshotProvider

import class Foundation.JSONEncoder

extension SnapshotRequest {
    /// How the containers are run, by name, as JSON; nil if nothing is known.
    var executions: String? {
        let known = source.containers.compactMap { container in container.execution.map { (container.name, $0) } }
        guard !known.isEmpty else { return nil }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let bytes = try? encoder.encode(Dictionary(known) { first, _ in first })
        return bytes.map { String(decoding: $0, as: UTF8.self) }
    }
}
