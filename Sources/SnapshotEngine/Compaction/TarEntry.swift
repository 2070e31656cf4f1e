// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Crypto

/// One entry of a tar archive as it was read: what it says, and the very bytes that say it.
struct TarEntry: Sendable, Hashable {
    /// What it is.
    var kind: TarHeader.Kind
    /// Without `./` at the beginning and without a slash at the end; empty for the root.
    var path: [UInt8]
    /// Of a symbolic link as it is written, of a hard link in the form of `path`; else empty.
    var linkTarget: [UInt8] = []
    /// Bytes of content that follow; only of files.
    var size: Int64 = 0
    /// The ustar block.
    var block: [UInt8]
    /// The PAX records, in their order.
    var records: [PaxRecord] = []
    /// All that comes before the content: extended headers and the block.
    var bytes: [UInt8]
}

/// One record of a PAX extended header.
struct PaxRecord: Sendable, Hashable {
    var keyword: [UInt8]
    var value: [UInt8]
}

extension TarEntry {
    /// What entries of one inode have in common: mode, owner, times, device numbers and attributes, but no names. A digest
    /// of it.
    var metadata: [UInt8] {
        var hash = SHA256()
        for range in [UstarField.mode.lowerBound..<UstarField.size.lowerBound, UstarField.modified, UstarField.owners] {
            hash.update(data: block[range])
        }
        for record in records where !Self.namingKeywords.contains(record.keyword) {
            var bytes: [UInt8] = []
            PaxRecords.append(record.keyword, record.value, to: &bytes)
            hash.update(data: bytes)
        }
        return Array(hash.finalize())
    }

    /// The bytes of this entry under another name, or of a hard link with another target. Everything else stays.
    ///
    /// - Throws: `CompactionObstacle` if names and attributes get longer than readers accept.
    func bytes(path: [UInt8], linkTarget: [UInt8]? = nil) throws(CompactionObstacle) -> [UInt8] {
        var block = block
        block.setField(UstarField.name, PaxRecords.fits(path) ? path : [])
        if let linkTarget { block.setField(UstarField.linkTarget, PaxRecords.fits(linkTarget) ? linkTarget : []) }
        // GNU has other things where ustar has the rest of a name.
        block.setField(UstarField.magic, UstarField.posix)
        block.setField(UstarField.prefix.lowerBound..<512, [])
        block.setChecksum()
        let renamed = Set(linkTarget == nil ? [Self.path] : [Self.path, Self.linkPath])
        var rest = records.filter { !renamed.contains($0.keyword) && $0.keyword != Self.charset }
        if let linkTarget, !PaxRecords.fits(linkTarget) {
            rest.insert(PaxRecord(keyword: Self.linkPath, value: linkTarget), at: 0)
        }
        if linkTarget == nil, !self.linkTarget.isEmpty, !rest.contains(where: { $0.keyword == Self.linkPath }),
            !PaxRecords.fits(self.linkTarget)
        {
            rest.insert(PaxRecord(keyword: Self.linkPath, value: self.linkTarget), at: 0)
        }
        if !PaxRecords.fits(path) { rest.insert(PaxRecord(keyword: Self.path, value: path), at: 0) }
        let names = rest.filter { $0.keyword == Self.path || $0.keyword == Self.linkPath }
        if names.contains(where: { String(validating: $0.value, as: UTF8.self) == nil }) {
            // It says how the records after it are written.
            rest.insert(PaxRecord(keyword: Self.charset, value: Array("BINARY".utf8)), at: 0)
        }
        guard !rest.isEmpty else { return block }
        var extended: [UInt8] = []
        for record in rest { PaxRecords.append(record.keyword, record.value, to: &extended) }
        guard extended.count < TarHeader.extendedLimit else { throw .names(path: displayed(path.prefix(200))) }
        return try Self.extendedBlock(size: extended.count) + extended
            + [UInt8](repeating: 0, count: TarHeader.padding(after: Int64(extended.count))) + block
    }

    private static let path = Array("path".utf8)
    private static let linkPath = Array("linkpath".utf8)
    private static let charset = Array("hdrcharset".utf8)
    private static let namingKeywords = [path, linkPath, charset, Array("size".utf8)]

    private static func extendedBlock(size: Int) throws(CompactionObstacle) -> [UInt8] {
        let header = TarHeader(
            kind: .file,
            path: Array("PaxHeaders/moved".utf8),
            permissions: 0o644,
            size: Int64(size)
        )
        guard var block = try? header.encoded() else { throw .names(path: "PaxHeaders") }
        block[UstarField.type] = UInt8(ascii: "x")
        block.setChecksum()
        return block
    }
}

/// Where the fields of a ustar block are (POSIX.1-2001, pax, "ustar Interchange Format").
enum UstarField {
    static let name = 0..<100
    static let mode = 100..<108
    static let size = 124..<136
    static let modified = 136..<148
    static let checksum = 148..<156
    static let type = 156
    static let linkTarget = 157..<257
    static let magic = 257..<265
    /// Names of user and group.
    static let owners = 265..<329
    static let prefix = 345..<500

    static let posix = Array("ustar\u{0}00".utf8)
    static let gnu = Array("ustar  \u{0}".utf8)
}

extension [UInt8] {
    /// Sets a field of a ustar block, filled with zeros.
    fileprivate mutating func setField(_ field: Range<Int>, _ value: [UInt8]) {
        replaceSubrange(field, with: value + [UInt8](repeating: 0, count: field.count - value.count))
    }

    /// Sets the checksum of a ustar block.
    fileprivate mutating func setChecksum() {
        setField(UstarField.checksum, Array("        ".utf8))
        var sum = reduce(0) { $0 + UInt32($1) }
        for index in (0..<6).reversed() {
            self[UstarField.checksum.lowerBound + index] = UInt8(ascii: "0") + UInt8(sum & 7)
            sum >>= 3
        }
        self[UstarField.checksum.lowerBound + 6] = 0
    }
}
