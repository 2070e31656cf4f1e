// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// A path as 16 bytes: the beginning of the SHA-256 of the key of its directory and its name. Two paths have the same key
/// as seldom as one finds collisions of 128 bits.
struct PathKey: Sendable, Hashable {
    private var high: UInt64 = 0
    private var low: UInt64 = 0

    /// The root's.
    static let root = PathKey()

    /// The key of a name in the directory with this key.
    func appending(_ name: ArraySlice<UInt8>) -> PathKey {
        var hash = SHA256()
        withUnsafeBytes(of: (high, low)) { hash.update(bufferPointer: $0) }
        hash.update(data: name)
        return hash.finalize().withUnsafeBytes { digest in
            PathKey(
                high: digest.loadUnaligned(fromByteOffset: 0, as: UInt64.self),
                low: digest.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
            )
        }
    }
}

/// The keys of a path and of all directories on the way to it. What the next path has in common with the last one is not
/// computed again.
struct PathKeys: Sendable {
    private var path: [UInt8] = []
    /// Where the parts end, from the first on.
    private var ends: [Int] = []
    /// The root's, and one a part.
    private var keys: [PathKey] = [.root]

    /// The key of the path.
    var key: PathKey { keys[keys.count - 1] }

    /// The keys of the directories that it is in, the root first; none for the root itself.
    var directories: ArraySlice<PathKey> { keys.dropLast() }

    /// The key of the directory that it is in; that of the root for the root itself.
    var directory: PathKey { keys.count > 1 ? keys[keys.count - 2] : .root }

    /// Goes to another path.
    mutating func move(to next: [UInt8]) {
        let common = zip(path, next).prefix { $0 == $1 }.count
        // A part is kept if it ends within what is in common, and ends there in both.
        let slash = UInt8(ascii: "/")
        let kept = ends.prefix { end in
            end <= common && (end == next.count || next[end] == slash)
        }.count
        ends.removeSubrange(kept...)
        keys.removeSubrange((kept + 1)...)
        path = next
        var start = ends.last.map { $0 + 1 } ?? 0
        while start < next.count {
            let end = next[start...].firstIndex(of: slash) ?? next.count
            keys.append(key.appending(next[start..<end]))
            ends.append(end)
            start = end + 1
        }
    }
}
