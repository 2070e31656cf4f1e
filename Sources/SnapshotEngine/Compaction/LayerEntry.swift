// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What an entry of a layer means.
enum LayerEntry: Hashable {
    /// Something is at this path.
    case present(path: [UInt8])
    /// What the layers below have at this path is gone.
    case whiteout(path: [UInt8])
    /// What the layers below have in this directory is gone.
    case opaque(directory: [UInt8])

    /// Reads an entry's name.
    init(_ entry: TarEntry) throws(CompactionObstacle) {
        let name = entry.path[(entry.path.lastIndex(of: UInt8(ascii: "/")).map { $0 + 1 } ?? 0)...]
        guard name.starts(with: Whiteout.prefix) else {
            self = .present(path: entry.path)
            return
        }
        let parent = entry.path[..<name.startIndex]
        guard entry.kind == .file, entry.size == 0 else { throw .reservedName(path: displayed(entry.path)) }
        if name.elementsEqual(Whiteout.opaqueMarker) {
            guard !parent.isEmpty else { throw .reservedName(path: displayed(entry.path)) }
            self = .opaque(directory: Array(parent.dropLast()))
            return
        }
        let hidden = name.dropFirst(Whiteout.prefix.count)
        guard !hidden.isEmpty, !hidden.starts(with: Whiteout.prefix), hidden != [0x2e], hidden != [0x2e, 0x2e] else {
            throw .reservedName(path: displayed(entry.path))
        }
        self = .whiteout(path: Array(parent) + hidden)
    }
}
