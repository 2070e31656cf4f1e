// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore
import OCIRegistry

/// Makes one layer of several. Both passes read all of them, from the topmost down, and check them; nothing is kept on
/// disk.
struct LayerMerge: Sendable {
    /// More than anybody waits for; it bounds what a small blob can blow up to.
    static let mostBytes: Int64 = 1 << 40

    /// What the layers unpack to, the topmost first.
    let diffIDs: [OCIRegistry.Digest]
    /// What lies below them.
    let base: LowerView
    let compression: LayerCompression

    init(diffIDs: [OCIRegistry.Digest], base: LowerView, compression: LayerCompression = .fastest) {
        self.diffIDs = diffIDs
        self.base = base
        self.compression = compression
    }

    /// The first pass. Blocking.
    func index(_ feed: BlobFeed, progress: LayerProgress) throws -> MergeIndex {
        var reading = LayerReading(feed: feed, progress: progress, limit: Self.mostBytes)
        var index = MergeIndex()
        for diffID in diffIDs {
            try reading.read(diffID) { event in
                if case .entry(let entry) = event { try index.add(entry) }
            }
            index.endLayer()
        }
        return index
    }

    /// The second pass. Blocking.
    ///
    /// - Parameter sink: Gets the compressed bytes of the merged layer, on the caller's thread.
    func write(
        _ feed: BlobFeed,
        by index: MergeIndex,
        progress: LayerProgress,
        to sink: (ByteBuffer) throws -> Void
    ) throws -> LayerSummary {
        let pipeline = LayerPipeline(compression: compression, progress: progress)
        let packed = try pipeline.pack(
            walk: { pipeline in
                var blocks = BlockBuffer(make: pipeline.makeBlock, consume: pipeline.consume)
                let counts = try copy(from: feed, by: index, progress, to: &blocks)
                return (size: blocks.total, counts: counts)
            },
            sink: sink
        )
        return LayerSummary(
            mediaType: compression.mediaType,
            diffID: packed.diffID,
            digest: packed.digest,
            compressedSize: packed.size,
            uncompressedSize: packed.walked.size,
            counts: packed.walked.counts,
            reservedNames: []
        )
    }

    private func copy(
        from feed: BlobFeed,
        by index: MergeIndex,
        _ progress: LayerProgress,
        to blocks: inout BlockBuffer
    ) throws -> LayerCounts {
        var reading = LayerReading(feed: feed, progress: progress, limit: Self.mostBytes)
        var counts = LayerCounts()
        for (number, diffID) in diffIDs.enumerated() {
            var copy = LayerCopy(MergeIndex.Layer(number), of: index, isBelow: base.shows)
            /// What is left of the content of an entry that is copied.
            var rest: Int64 = 0
            try reading.read(diffID) { event in
                switch event {
                case .entry(let entry):
                    progress.addEntry()
                    guard case .copy(let bytes) = try copy.action(for: entry) else { return }
                    counts.add(entry)
                    rest = entry.size
                    try bytes.withUnsafeBytes { try blocks.append($0) }
                case .content(let bytes):
                    guard rest > 0 else { return }
                    try blocks.append(bytes)
                    rest -= Int64(bytes.count)
                    if rest == 0 { try blocks.appendZeros(Int64(TarHeader.padding(after: blocks.total))) }
                }
            }
        }
        try blocks.appendZeros(1024)
        try blocks.flush()
        return counts
    }
}

extension LayerCounts {
    fileprivate mutating func add(_ entry: TarEntry) {
        longestPath = max(longestPath, entry.path.count)
        if case .whiteout = try? LayerEntry(entry) {
            whiteouts += 1
            return
        }
        switch entry.kind {
        case .file: files += 1
        case .directory: directories += 1
        case .symbolicLink: symbolicLinks += 1
        case .hardLink: hardLinks += 1
        case .characterDevice, .blockDevice: devices += 1
        case .fifo: fifos += 1
        }
    }
}
