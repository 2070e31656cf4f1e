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
        /// Nothing more here of this directory, but there was more in it: names that were left out or had gone.
        case endOfPart
        case directory
        case opaqueDirectory
        /// Whatever else has an entry in a layer.
        case other
        /// The name was gone.
        case whiteout
        /// A socket: the layer has a whiteout, or nothing.
        case leftOut
    }

    /// How many bytes an entry has beside its name: kind, length of the name, fingerprint; and a directory its inode.
    static let (bytesOfEntry, bytesOfDirectory) = (10, 18)

    /// Large enough that few are needed, small enough that growing costs little memory.
    private static let chunkSize = 1 << 20

    /// Before anything was read, and early enough for what the kernel's clock leaves out.
    let since: FileTime
    /// Each holds whole entries.
    private(set) var chunks: [[UInt8]] = []
    /// How many entries there are.
    private(set) var count = 0

    init(since: FileTime) {
        self.since = since
    }

    /// Bytes that it occupies.
    public var size: Int { chunks.reduce(0) { $0 + $1.count } }

    /// Adds an entry: kind, length of the name, name, fingerprint, and a directory's inode.
    mutating func append(_ kind: Kind, name: some Collection<UInt8>, fingerprint: UInt64, inode: UInt64 = 0) {
        count += 1
        append(upTo: name.count + Self.bytesOfDirectory) { chunk in
            chunk.append(kind.rawValue)
            chunk.append(UInt8(name.count))
            chunk.append(contentsOf: name)
            withUnsafeBytes(of: fingerprint) { chunk.append(contentsOf: $0) }
            guard kind == .directory || kind == .opaqueDirectory else { return }
            withUnsafeBytes(of: inode) { chunk.append(contentsOf: $0) }
        }
    }

    /// Says that the directory which was added last and not ended has nothing more in it.
    ///
    /// - Parameter isComplete: Whether all the names that it had are here.
    mutating func appendEnd(isComplete: Bool = true) {
        append(upTo: 1) { $0.append((isComplete ? Kind.end : .endOfPart).rawValue) }
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
