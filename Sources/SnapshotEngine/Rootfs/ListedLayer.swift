// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import CLinux
import Glibc
package import NIOCore

/// A layer of entries that are listed one by one, where `LayerWriter` walks a tree.
///
/// Nothing of this machine but the listed contents gets into it: all owners are root, and all times 1970. So equal lists make
/// equal layers, wherever, whenever and by whom they are made, as long as the compressing library is of one version. ISA-L is
/// not for that: it picks its algorithm by the processor.
package struct ListedLayer: Sendable {
    /// One entry.
    package struct Entry: Sendable, Hashable {
        /// What it is.
        package enum Content: Sendable, Hashable {
            /// A directory.
            case directory
            /// A file with these bytes.
            case bytes([UInt8])
            /// A file with what this file of this machine holds; symbolic links to it are followed.
            case file(String)
            /// A symbolic link.
            case symbolicLink(to: String)
        }

        /// The path in the image, without a slash at either end.
        package var path: String
        /// What it is.
        package var content: Content
        /// The twelve permission bits.
        package var permissions: UInt16

        /// Creates an entry, which is root's.
        package init(_ path: String, _ content: Content, permissions: UInt16) {
            self.path = path
            self.content = content
            self.permissions = permissions
        }
    }

    /// The entries in the order in which they are unpacked: a directory before what is in it.
    package var entries: [Entry]
    /// How it is compressed.
    package var compression: LayerCompression

    /// Creates a layer.
    package init(entries: [Entry], compression: LayerCompression = .gzip(.zlib(level: 6))) {
        self.entries = entries
        self.compression = compression
    }

    /// Writes the layer. Blocking: call it on a thread of its own, as `withLayerStream` does.
    ///
    /// - Parameter sink: Gets the compressed bytes in order, on the caller's thread.
    /// - Throws: `RootfsError`, `CancellationError` after a cancellation, or what `sink` throws.
    package func write(
        progress: LayerProgress = LayerProgress(),
        to sink: (ByteBuffer) throws -> Void
    ) throws -> LayerSummary {
        let pipeline = LayerPipeline(compression: compression, progress: progress)
        let packed = try pipeline.pack(
            walk: { pipeline in
                var tar = TarWriter(blocks: BlockBuffer(make: pipeline.makeBlock, consume: pipeline.consume))
                var counts = LayerCounts()
                for entry in entries {
                    progress.addEntry()
                    try write(entry, to: &tar, progress)
                    counts.add(entry)
                }
                try tar.finish()
                return (size: tar.size, counts: counts)
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

    private func write(_ entry: Entry, to tar: inout TarWriter, _ progress: LayerProgress) throws {
        var header = TarHeader(kind: .file, path: Array(entry.path.utf8), permissions: entry.permissions)
        switch entry.content {
        case .directory:
            header.kind = .directory
            header.path.append(UInt8(ascii: "/"))
            try tar.append(header)
        case .symbolicLink(let target):
            header.kind = .symbolicLink
            header.linkTarget = Array(target.utf8)
            try tar.append(header)
        case .bytes(let bytes):
            try tar.append(header, content: bytes)
        case .file(let path):
            let file = try OwnedDescriptor(
                SystemCall.result("open", path) { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
            )
            let status = try FileStatus(of: file.number, path: path)
            guard status.kind == .regular else {
                throw RootfsError.notStorable(path: path, detail: "it is no regular file")
            }
            header.size = status.size
            guard try tar.append(header, contentsOf: file.number, isSparse: false, progress: progress) else {
                throw RootfsError.changed(path: path, detail: "it became shorter while it was read")
            }
        }
    }
}

extension LayerCounts {
    fileprivate mutating func add(_ entry: ListedLayer.Entry) {
        longestPath = max(longestPath, entry.path.utf8.count)
        switch entry.content {
        case .directory: directories += 1
        case .bytes, .file: files += 1
        case .symbolicLink: symbolicLinks += 1
        }
    }
}

/// Makes a listed layer on a thread of its own while `body` reads it, as `withLayerStream` does for a walked one.
package func withLayerStream<Answer>(
    _ layer: ListedLayer,
    isolation: isolated (any Actor)? = #isolation,
    _ body: (LayerStream) async throws -> Answer
) async throws -> Answer {
    try await withLayerStream { progress, sink in
        try layer.write(progress: progress, to: sink)
    } body: { stream in
        try await body(stream)
    }
}
