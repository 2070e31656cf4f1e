// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import NIOCore
import SnapshotEngine
import TestSupport
import Testing

@Suite("The example of SnapshotEngine")
struct SnapshotEngineExample {
    @Test("makes a layer of a folder")
    func layer() async throws {
        try await withTemporaryFolder { folder in
            try "kept".write(toFile: "\(folder)/file", atomically: false, encoding: .utf8)
            var size = 0
            let writer = LayerWriter(upperDirectory: folder)
            let summary = try await withLayerStream(writer) { layer in
                for try await bytes in layer {
                    size += bytes.readableBytes  // or sent to a registry
                }
                return try layer.summary()
            }
            print(summary.digest, summary.diffID, summary.counts.files)
            #expect(Int64(size) == summary.compressedSize)
            #expect(summary.counts.files == 1)
        }
    }
}
