// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What becomes of each entry of one layer in the merged one: the second of two passes, by what the first has found.
struct LayerCopy {
    /// What becomes of one entry.
    enum Action: Hashable {
        /// Neither it nor its content is in the merged layer.
        case drop
        /// These bytes are, and then its content.
        case copy([UInt8])
    }

    private let index: MergeIndex
    private let layer: MergeIndex.Layer
    /// Whether the layers below, which are not merged, show something at a path.
    private let isBelow: ([UInt8]) throws -> Bool
    private var keys = PathKeys()
    private var targetKeys = PathKeys()
    /// Of files with names that are gone and names that are kept: what all their names must agree about.
    private var metadata: [PathKey: [UInt8]] = [:]

    init(_ layer: MergeIndex.Layer, of index: MergeIndex, isBelow: @escaping ([UInt8]) throws -> Bool) {
        self.index = index
        self.layer = layer
        self.isBelow = isBelow
    }

    /// Decides about the layer's next entry.
    mutating func action(for entry: TarEntry) throws -> Action {
        switch try LayerEntry(entry) {
        case .opaque:
            // With the directory, wherever that is from.
            return .drop
        case .whiteout(let path):
            keys.move(to: path)
            return try isKept && hidesSomething(path) ? .copy(entry.bytes) : .drop
        case .present(let path):
            keys.move(to: path)
            switch entry.kind {
            case .hardLink: return try link(entry)
            case .directory: return try directory(entry)
            default: return try firstName(entry)
            }
        }
    }

    private var isKept: Bool { index[keys.key].top == layer }

    /// Whether there is something to delete. A whiteout too many is not harmless: in a directory that only one layer has,
    /// overlayfs shows its name.
    private func hidesSomething(_ path: [UInt8]) throws -> Bool {
        try !keys.directories.contains { index[$0].isOpaque } && isBelow(path)
    }

    private func directory(_ entry: TarEntry) throws -> Action {
        guard isKept else { return .drop }
        guard index[keys.key].isOpaque else { return .copy(entry.bytes) }
        let mark = TarHeader(kind: .file, path: entry.path + [UInt8(ascii: "/")] + Whiteout.opaqueMarker)
        return .copy(entry.bytes + (try mark.encoded()))
    }

    /// What may have further names in the layer. If this one is gone and another is kept, the content goes there.
    private mutating func firstName(_ entry: TarEntry) throws -> Action {
        let torn = index.tornFile(keys.key, in: layer)
        if torn != nil { metadata[keys.key] = entry.metadata }
        if isKept { return .copy(entry.bytes) }
        guard let path = torn?.path else { return .drop }
        return .copy(try entry.bytes(path: path))
    }

    private mutating func link(_ entry: TarEntry) throws -> Action {
        targetKeys.move(to: entry.linkTarget)
        let torn = index.tornFile(targetKeys.key, in: layer)
        if torn != nil, metadata[targetKeys.key] != entry.metadata {
            throw CompactionObstacle.linkMetadata(path: displayed(entry.path))
        }
        guard isKept else { return .drop }
        guard let path = torn?.path else { return .copy(entry.bytes) }
        return path == entry.path ? .drop : .copy(try entry.bytes(path: entry.path, linkTarget: path))
    }
}
