// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension CopyRecord {
    /// A part of a record that can be read on its own.
    struct Range: Sendable {
        /// The chunk that has it, and its bytes there.
        var chunk: Int
        var bytes: Swift.Range<Int>
        /// How many entries are before it, and how many it has.
        var ordinals: Swift.Range<Int>
        /// The directories that it begins in, from the root on; not more than a limit.
        var directories: [Directory]
        /// In how many more directories it begins.
        var deeper: Int
    }

    /// A directory's entry.
    struct Directory: Sendable {
        var name: [UInt8]
        var ordinal: Int
    }

    /// Divides the record.
    ///
    /// - Parameters:
    ///   - length: How many entries a part has at most.
    ///   - depth: How many directories a part says at most that it begins in.
    func ranges(length: Int, depth: Int) -> [Range] {
        var ranges: [Range] = []
        var directories: [Directory] = []
        var deeper = 0
        var ordinal = 0
        for chunk in chunks.indices {
            chunks[chunk].withUnsafeBytes { bytes in
                var offset = 0
                while offset < bytes.count {
                    var range = Range(
                        chunk: chunk,
                        bytes: offset..<offset,
                        ordinals: ordinal..<ordinal,
                        directories: directories,
                        deeper: deeper
                    )
                    while offset < bytes.count, ordinal - range.ordinals.lowerBound < length {
                        let kind = Kind(rawValue: bytes[offset])
                        if kind == .end || kind == .endOfPart {
                            offset += 1
                            if deeper > 0 { deeper -= 1 } else { _ = directories.popLast() }
                            continue
                        }
                        let name = offset + 2..<offset + 2 + Int(bytes[offset + 1])
                        if kind == .directory || kind == .opaqueDirectory {
                            if directories.count < depth {
                                directories.append(Directory(name: Array(bytes[name]), ordinal: ordinal))
                            } else {
                                deeper += 1
                            }
                            offset += Self.bytesOfDirectory + name.count
                        } else {
                            offset += Self.bytesOfEntry + name.count
                        }
                        ordinal += 1
                    }
                    range.bytes = range.bytes.lowerBound..<offset
                    range.ordinals = range.ordinals.lowerBound..<ordinal
                    ranges.append(range)
                }
            }
        }
        return ranges
    }
}
