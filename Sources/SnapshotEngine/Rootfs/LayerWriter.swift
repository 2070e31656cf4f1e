// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Makes one OCI layer of an upper directory, in one pass and without anything on disk: walk, tar, SHA-256 (the diff
/// ID), gzip, SHA-256 (the digest).
///
/// Memory is bounded by the names in the directories on the path from the root to the current one, and by the number of
/// inodes with several names; it does not grow with the tree or its files.
public struct LayerWriter: Sendable, Hashable {
    /// The directory to read. An absolute path that is trusted; what is in it is not.
    public var upperDirectory: String
    /// What goes into the layer.
    public var options: LayerOptions

    /// Creates a writer.
    public init(upperDirectory: String, options: LayerOptions = LayerOptions()) {
        self.upperDirectory = upperDirectory
        self.options = options
    }

    /// Creates a writer for the upper directory of a mount that `OverlayCheck` found suitable. The root's metadata are
    /// compared with those of the image's root.
    public init(mount: OverlayMount, options: LayerOptions = LayerOptions()) {
        self.init(upperDirectory: mount.upperDirectory, options: options)
        guard let lower = mount.lowerDirectories.first else { return }
        // A path that is not absolute cannot be followed from here; then the entry is always right, if not always needed.
        self.options.root = lower.hasPrefix("/") ? .includeIfDifferent(from: lower) : .include
    }

    /// Writes the layer. Blocking, for minutes if need be: call it on a thread of its own, as `withLayerStream` does.
    ///
    /// - Parameters:
    ///   - progress: Kept up to date; cancel it to stop the writer.
    ///   - sink: Gets the compressed bytes in order, about 1 MiB at a time.
    /// - Returns: Digests, sizes and counts.
    /// - Throws: `RootfsError`, `CancellationError` after a cancellation, or what `sink` throws.
    public func write(
        progress: LayerProgress = LayerProgress(),
        to sink: (ByteBuffer) throws -> Void
    ) throws -> LayerSummary {
        let missing = try ProcessCapabilities.current().missingForCapture
        guard missing.isEmpty else { throw RootfsError.notPermitted(missing: missing) }
        let encoder = try options.compression.makeEncoder()
        let baseline = try RootBaseline(options.root)
        return try withoutActuallyEscaping(sink) { sink in
            let output = LayerOutput(encoder: encoder, progress: progress, sink: sink)
            var tar = TarWriter(blocks: BlockBuffer(consume: output.consume))
            var entries = EntryWriter(baseline: baseline, sizeLimit: options.sizeLimit, progress: progress)
            var walk = UpperWalk(
                root: upperDirectory,
                reservedNames: options.reservedNames,
                vanishedFiles: options.vanishedFiles
            )
            try walk.run { try entries.write($0, to: &tar) }
            try tar.finish()
            let digests = try output.finish()
            var counts = entries.counts
            counts.skippedReservedNames = walk.omitted.reservedCount
            counts.skippedAttributes = walk.omitted.attributes
            counts.vanished = walk.omitted.vanished
            return LayerSummary(
                diffID: digests.diffID,
                digest: digests.digest,
                compressedSize: output.compressedSize,
                uncompressedSize: tar.size,
                counts: counts,
                reservedNames: walk.omitted.reserved
            )
        }
    }
}
