// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import NIOCore

/// Makes one OCI layer of an upper directory, in one pass and without anything on disk: walk, tar, SHA-256 (the diff
/// ID), gzip, SHA-256 (the digest).
///
/// Memory is bounded by a window of blocks, by the names in the directories on the path from the root to the current one,
/// and by the number of inodes with several names; it does not grow with the tree or its files.
public struct LayerWriter: Sendable {
    /// The directory to read. An absolute path that is trusted; what is in it is not.
    public var upperDirectory: String
    /// What goes into the layer.
    public var options: LayerOptions
    /// How much of it.
    public var pass = LayerPass.whole
    /// What the layers below show; nil if that is not known.
    private var lower: LowerView?
    /// How it is found out what has not changed since an earlier copy.
    package var comparing = UnchangedEntries.Options()

    /// Creates a writer.
    public init(upperDirectory: String, options: LayerOptions = LayerOptions()) {
        self.upperDirectory = upperDirectory
        self.options = options
    }

    /// Creates a writer for the upper directory of a mount that `OverlayCheck` found suitable. The root's metadata are
    /// compared with those of the image's root.
    public init(mount: OverlayMount, options: LayerOptions = LayerOptions()) {
        self.init(upperDirectory: mount.upperDirectory, options: options)
        if mount.lowerDirectories.allSatisfy({ $0.hasPrefix("/") }) {
            lower = LowerView(directories: mount.lowerDirectories)
        }
        guard let lower = mount.lowerDirectories.first else { return }
        // A path that is not absolute cannot be followed from here; then the entry is always right, if not always needed.
        self.options.root = lower.hasPrefix("/") ? .includeIfDifferent(from: lower) : .include
    }

    /// Writes the layer. Blocking, for minutes if need be: call it on a thread of its own, as `withLayerStream` does.
    ///
    /// - Parameters:
    ///   - progress: Kept up to date; cancel it to stop the writer.
    ///   - sink: Gets the compressed bytes in order, at most about 1 MiB at a time, on the caller's thread.
    /// - Returns: Digests, sizes and counts.
    /// - Throws: `RootfsError`, `CancellationError` after a cancellation, or what `sink` throws.
    public func write(
        progress: LayerProgress = LayerProgress(),
        to sink: (ByteBuffer) throws -> Void
    ) throws -> LayerSummary {
        let missing = try ProcessCapabilities.current().missingForCapture
        guard missing.isEmpty else { throw RootfsError.notPermitted(missing: missing) }
        // A layer over one that may have an entry for the root has one whenever the walk visits it.
        let baseline = try RootBaseline(pass.isOfChanges ? .include : options.root)
        let pipeline = LayerPipeline(compression: options.compression, progress: progress)
        let packed = try pipeline.pack(
            walk: { pipeline in
                var tar = TarWriter(blocks: BlockBuffer(make: pipeline.makeBlock, consume: pipeline.consume))
                return try writeTree(to: &tar, baseline, progress)
            },
            sink: sink
        )
        let tree = packed.walked
        return LayerSummary(
            mediaType: options.compression.mediaType,
            diffID: packed.diffID,
            digest: packed.digest,
            compressedSize: packed.size,
            uncompressedSize: tree.size,
            counts: tree.counts,
            reservedNames: tree.reservedNames,
            record: tree.record
        )
    }

    /// What the walking thread knows in the end.
    private struct WrittenTree: Sendable {
        var size: Int64
        var counts: LayerCounts
        var reservedNames: [String]
        var record: CopyRecord?
    }

    private func writeTree(
        to tar: inout TarWriter,
        _ baseline: RootBaseline,
        _ progress: LayerProgress
    ) throws -> WrittenTree {
        var entries = EntryWriter(baseline: baseline, sizeLimit: options.sizeLimit, progress: progress)
        let walked: WalkAhead.Walked
        switch pass {
        case .whole:
            walked = try WalkAhead.run {
                UpperWalk(
                    root: upperDirectory,
                    reservedNames: options.reservedNames,
                    vanishedFiles: .refuse,
                    lower: lower
                )
            } _: {
                try entries.write($0, to: &tar)
            }
        case .living:
            let record = CopyRecord(since: try FileTime.beforeNow())
            walked = try WalkAhead.run {
                UpperWalk(
                    root: upperDirectory,
                    reservedNames: .skip,
                    vanishedFiles: .skip,
                    lower: lower,
                    record: record
                )
            } _: {
                try entries.write($0, to: &tar)
            }
        case .changes(let record, let copied):
            var walk = UpperWalk(
                root: upperDirectory,
                reservedNames: options.reservedNames,
                vanishedFiles: .refuse,
                lower: lower
            )
            let unchanged = try UnchangedEntries.find(
                below: upperDirectory,
                since: record,
                copying: copied,
                options: comparing,
                progress: progress
            )
            walk.comparison = CopyComparison(record, copying: copied, unchanged: unchanged)
            try walk.run { try entries.write($0, to: &tar) }
            let torn = (walk.comparison?.unchangedLinks ?? []).intersection(entries.links.incomplete)
            guard torn.isEmpty else { throw TornLinks(files: torn) }
            walked = (walk.omitted, walk.record)
        }
        try tar.finish()
        var counts = entries.counts
        counts.skippedReservedNames = walked.omitted.reservedCount
        counts.skippedAttributes = walked.omitted.attributes
        counts.vanished = walked.omitted.vanished
        return WrittenTree(
            size: tar.size,
            counts: counts,
            reservedNames: walked.omitted.reserved,
            record: walked.record
        )
    }
}
