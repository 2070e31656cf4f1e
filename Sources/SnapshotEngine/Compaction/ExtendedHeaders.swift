// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What comes before an entry's own block: PAX records, and GNU's long names.
struct ExtendedHeaders: Sendable, Hashable {
    private var records: [PaxRecord] = []
    private var longName: [UInt8]?
    private var longTarget: [UInt8]?
    private var seen: Set<UInt8> = []
    private var bytes: [UInt8] = []

    /// Whether no entry is due.
    var isEmpty: Bool { seen.isEmpty }

    /// An extended header of this type begins.
    mutating func begin(_ type: UInt8, _ block: [UInt8]) throws(TarError) {
        guard seen.insert(type).inserted else { throw .malformed("an entry has two extended headers of one type") }
        bytes += block
    }

    /// Its data are there, with what fills the last block.
    mutating func add(_ type: UInt8, _ data: [UInt8], size: Int) throws(TarError) {
        bytes += data
        switch type {
        case UInt8(ascii: "x"): records = try PaxRecords.parse(data[..<size])
        case UInt8(ascii: "L"): longName = try Self.name(data[..<size])
        default: longTarget = try Self.name(data[..<size])
        }
    }

    /// The entry that a block and the headers before it make.
    mutating func takeEntry(_ block: [UInt8]) throws(TarError) -> TarEntry {
        let headers = exchange(&self, with: ExtendedHeaders())
        return try headers.entry(block)
    }

    private func entry(_ block: [UInt8]) throws(TarError) -> TarEntry {
        let type = block[UstarField.type]
        guard let kind = TarHeader.Kind(rawValue: type == 0 ? TarHeader.Kind.file.rawValue : type) else {
            throw .unsupported("an entry of type \(displayed([type]))")
        }
        if records.contains(where: { $0.keyword.starts(with: Array("GNU.sparse.".utf8)) }) {
            throw .unsupported("a sparse file of GNU's")
        }
        let name = try value(of: "path") ?? longName ?? UstarBlock.name(block)
        var entry = TarEntry(
            kind: kind,
            path: try TarPath.normalized(name, isDirectory: kind == .directory),
            block: block,
            records: records,
            bytes: bytes + block
        )
        let target = try value(of: "linkpath") ?? longTarget ?? UstarBlock.text(block[UstarField.linkTarget])
        switch kind {
        case .hardLink: entry.linkTarget = try TarPath.normalized(target, isDirectory: false)
        case .symbolicLink:
            guard !target.isEmpty else { throw .malformed("a symbolic link points nowhere") }
            entry.linkTarget = target
        default: break
        }
        entry.size = try size(block)
        guard kind == .file || entry.size == 0 else {
            throw .malformed("\(displayed(name)) has content and is no file")
        }
        return entry
    }

    private func size(_ block: [UInt8]) throws(TarError) -> Int64 {
        guard let text = try value(of: "size") else { return try UstarBlock.size(block) }
        guard let size = Int64(String(decoding: text, as: UTF8.self)), size >= 0, text.first != UInt8(ascii: "+") else {
            throw .malformed("a size is no number")
        }
        return size
    }

    /// The one value of a keyword; a second one, or an empty one that takes the first back, is refused.
    private func value(of keyword: String) throws(TarError) -> [UInt8]? {
        let values = records.filter { $0.keyword.elementsEqual(keyword.utf8) }.map(\.value)
        guard let value = values.first else { return nil }
        guard values.count == 1, !value.isEmpty, !value.contains(0) else {
            throw .malformed("the PAX records have no single value for \(keyword)")
        }
        return value
    }

    /// A long name of GNU's: a zero ends it.
    private static func name(_ data: ArraySlice<UInt8>) throws(TarError) -> [UInt8] {
        let name = UstarBlock.text(data)
        guard !name.isEmpty, name.count >= data.count - 1 else { throw .malformed("a long name is cut short") }
        return name
    }
}

/// Names of entries.
enum TarPath {
    /// A name relative to the root, one way to write each; empty for the root.
    static func normalized(_ name: [UInt8], isDirectory: Bool) throws(TarError) -> [UInt8] {
        var path = name[...]
        if isDirectory, path.last == UInt8(ascii: "/") { path = path.dropLast() }
        if path.starts(with: [UInt8(ascii: "."), UInt8(ascii: "/")]) { path = path.dropFirst(2) }
        if isDirectory, path.elementsEqual([UInt8(ascii: ".")]) { return [] }
        for part in path.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
            guard !part.isEmpty, !part.elementsEqual([UInt8(ascii: ".")]),
                !part.elementsEqual([UInt8(ascii: "."), UInt8(ascii: ".")]),
                !part.contains(0)
            else { throw .malformed("the name \(displayed(name.prefix(200))) is not a plain relative one") }
        }
        return Array(path)
    }
}
