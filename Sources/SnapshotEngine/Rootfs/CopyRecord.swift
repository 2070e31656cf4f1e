// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a copy of a living tree holds: which names, and what their inodes were when they were read. A later copy of what
/// has changed since is made by it.
///
/// Entries are in the order of the walk, a directory before what is in it. One costs its name and ten bytes, a directory
/// twenty, so a million files cost some 25 MB.
public struct CopyRecord: Sendable, Hashable {
    enum Kind: UInt8 {
        /// Nothing more in this directory.
        case end
        case directory
        case opaqueDirectory
        /// Whatever else has an entry in a layer.
        case other
        /// The name was gone.
        case whiteout
        /// A socket, which the layer has as a whiteout.
        case leftOut
    }

    /// Large enough that few are needed, small enough that growing costs little memory.
    private static let chunkSize = 1 << 20

    /// Before anything was read, and early enough for what the kernel's clock leaves out.
    let since: FileTime
    /// Each holds whole entries.
    private(set) var chunks: [[UInt8]] = []

    init(since: FileTime) {
        self.since = since
    }

    /// Bytes that it occupies.
    public var size: Int { chunks.reduce(0) { $0 + $1.count } }

    /// Adds an entry: kind, length of the name, name, fingerprint, and a directory's inode.
    mutating func append(_ kind: Kind, name: some Collection<UInt8>, fingerprint: UInt64, inode: UInt64 = 0) {
        append(upTo: name.count + 18) { chunk in
            chunk.append(kind.rawValue)
            chunk.append(UInt8(name.count))
            chunk.append(contentsOf: name)
            withUnsafeBytes(of: fingerprint) { chunk.append(contentsOf: $0) }
            guard kind == .directory || kind == .opaqueDirectory else { return }
            withUnsafeBytes(of: inode) { chunk.append(contentsOf: $0) }
        }
    }

    /// Says that the directory which was added last and not ended has nothing more in it.
    mutating func appendEnd() {
        append(upTo: 1) { $0.append(Kind.end.rawValue) }
    }

    private mutating func append(upTo count: Int, _ write: (inout [UInt8]) -> Void) {
        if let last = chunks.last, last.count + count <= Self.chunkSize {
            write(&chunks[chunks.count - 1])
        } else {
            var chunk: [UInt8] = []
            // The first one grows as it is needed: most trees are small.
            if !chunks.isEmpty { chunk.reserveCapacity(Self.chunkSize) }
            write(&chunk)
            chunks.append(chunk)
        }
    }
}
