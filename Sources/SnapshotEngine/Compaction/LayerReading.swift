// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import OCIRegistry

/// Reads the blobs of layers from a feed: unpacks them, checks that each is what the image's config says, and takes the
/// tar apart. Blocking; for a thread of its own.
struct LayerReading {
    let feed: BlobFeed
    let progress: LayerProgress
    /// How many bytes all layers together may have unpacked.
    let limit: Int64
    private var unpacked: Int64 = 0

    init(feed: BlobFeed, progress: LayerProgress, limit: Int64) {
        self.feed = feed
        self.progress = progress
        self.limit = limit
    }

    /// Reads one layer.
    ///
    /// - Parameter visit: Gets what is in it. It may not be relied on before all of it has been read.
    /// - Throws: `CompactionObstacle`, what the feed was ended with, what `visit` throws.
    mutating func read(_ diffID: Digest, _ visit: (TarReader.Event) throws -> Void) throws {
        let decompressor = LayerDecompressor()
        var digester = Digester(diffID.algorithm)
        var reader = TarReader()
        while let piece = try feed.next() {
            try piece.withUnsafeReadableBytes { piece in
                try decompressor.decompress(piece) { bytes in
                    try progress.checkCancellation()
                    progress.addRead(bytes.count)
                    unpacked += Int64(bytes.count)
                    guard unpacked <= limit else { throw CompactionObstacle.tooLarge(limit: limit) }
                    digester.update(bytes)
                    try Self.take(bytes, by: &reader, visit)
                }
            }
        }
        try decompressor.finish()
        do { try reader.finish() } catch { throw CompactionObstacle.tar(error) }
        let found = digester.finalize()
        guard found == diffID else {
            throw CompactionObstacle.diffID(expected: diffID.description, found: found.description)
        }
    }

    private static func take(
        _ bytes: UnsafeRawBufferPointer,
        by reader: inout TarReader,
        _ visit: (TarReader.Event) throws -> Void
    ) throws {
        var rest = bytes
        while true {
            let event: TarReader.Event?
            do { event = try reader.next(from: &rest) } catch { throw CompactionObstacle.tar(error) }
            guard let event else { return }
            try visit(event)
        }
    }
}
