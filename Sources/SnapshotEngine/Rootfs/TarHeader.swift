// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// One entry of a tar archive, before it is bytes: POSIX.1-2001 (ustar with PAX records where ustar's fields are too
/// small).
struct TarHeader: Sendable, Hashable {
    /// ustar's type flags.
    enum Kind: UInt8, Sendable {
        case file = 0x30
        case hardLink = 0x31
        case symbolicLink = 0x32
        case characterDevice = 0x33
        case blockDevice = 0x34
        case directory = 0x35
        case fifo = 0x36
    }

    var kind: Kind
    /// A directory's ends with a slash.
    var path: [UInt8]
    /// For links.
    var linkTarget: [UInt8] = []
    /// The twelve permission bits.
    var permissions: UInt16 = 0
    var user: UInt32 = 0
    var group: UInt32 = 0
    /// Bytes of content that follow; only for files.
    var size: Int64 = 0
    var modified = FileTime(seconds: 0, nanoseconds: 0)
    var deviceMajor: UInt32 = 0
    var deviceMinor: UInt32 = 0
    var attributes: [ExtendedAttribute] = []
}

extension TarHeader {
    /// The largest PAX header that Go's archive/tar reads, and so containerd, Docker and umoci.
    static let extendedLimit = 1 << 20

    /// The blocks that come before the content: a PAX header if one is needed, and the header itself.
    ///
    /// - Throws: `RootfsError.notStorable` if the names and attributes are longer than readers accept.
    func encoded() throws -> [UInt8] {
        let records = extendedRecords()
        var bytes: [UInt8] = []
        guard !records.isEmpty else {
            bytes.reserveCapacity(512)
            appendBlock(to: &bytes)
            return bytes
        }
        guard records.count < Self.extendedLimit else {
            throw RootfsError.notStorable(
                path: displayed(path.prefix(200)),
                detail: "its name and attributes take \(records.count) bytes, and readers accept \(Self.extendedLimit)"
            )
        }
        bytes.reserveCapacity(1024 + records.count + 512)
        let extended = TarHeader(
            kind: .file,
            path: Array("PaxHeaders/".utf8) + asciiBaseName(),
            permissions: 0o644,
            size: Int64(records.count)
        )
        extended.appendBlock(to: &bytes, flag: UInt8(ascii: "x"))
        bytes += records
        bytes.append(contentsOf: repeatElement(0, count: Self.padding(after: Int64(records.count))))
        appendBlock(to: &bytes)
        return bytes
    }

    /// Zeros up to the next block of 512 bytes.
    static func padding(after size: Int64) -> Int { Int((512 - size % 512) % 512) }

    /// The last part of the name, cut down to what any reader can show.
    private func asciiBaseName() -> [UInt8] {
        let name = path.split(separator: UInt8(ascii: "/")).last ?? []
        return name.suffix(80).map { PaxRecords.isPlain($0) ? $0 : UInt8(ascii: "_") }
    }

    /// One ustar block. What does not fit its field is cut or zero there; the PAX records have it in full.
    private func appendBlock(to bytes: inout [UInt8], flag: UInt8? = nil) {
        let start = bytes.count
        bytes.appendField(PaxRecords.fits(path) ? path[...] : ArraySlice(plain(path)), width: 100)
        bytes.appendOctal(UInt64(permissions), width: 8)
        bytes.appendOctal(UInt64(user), width: 8)
        bytes.appendOctal(UInt64(group), width: 8)
        bytes.appendOctal(UInt64(size), width: 12)
        bytes.appendOctal(UInt64(max(modified.seconds, 0)), width: 12)
        let checksum = bytes.count
        bytes.appendField(ArraySlice("        ".utf8), width: 8)
        bytes.append(flag ?? kind.rawValue)
        bytes.appendField(PaxRecords.fits(linkTarget) ? linkTarget[...] : ArraySlice(plain(linkTarget)), width: 100)
        bytes.appendField(ArraySlice("ustar\u{0}00".utf8), width: 8)
        bytes.append(contentsOf: repeatElement(0, count: 64))
        if kind == .characterDevice || kind == .blockDevice {
            bytes.appendOctal(UInt64(deviceMajor), width: 8)
            bytes.appendOctal(UInt64(deviceMinor), width: 8)
        }
        bytes.append(contentsOf: repeatElement(0, count: start + 512 - bytes.count))
        var sum: UInt32 = 0
        for byte in bytes[start...] { sum += UInt32(byte) }
        var field: [UInt8] = []
        field.appendOctal(UInt64(sum), width: 7)
        field.append(UInt8(ascii: " "))
        bytes.replaceSubrange(checksum..<(checksum + 8), with: field)
    }

    private func plain(_ name: [UInt8]) -> [UInt8] {
        name.prefix(100).map { PaxRecords.isPlain($0) ? $0 : UInt8(ascii: "_") }
    }
}

extension [UInt8] {
    /// A field of fixed width, cut or filled with zeros.
    fileprivate mutating func appendField(_ value: ArraySlice<UInt8>, width: Int) {
        let part = value.prefix(width)
        append(contentsOf: part)
        append(contentsOf: repeatElement(0, count: width - part.count))
    }

    /// An octal number with leading zeros and a zero at the end; 0 if it does not fit.
    fileprivate mutating func appendOctal(_ value: UInt64, width: Int) {
        let digits = width - 1
        let shown = PaxRecords.fits(value, digits: digits) ? value : 0
        for position in (0..<digits).reversed() {
            append(UInt8(ascii: "0") + UInt8(shown >> UInt64(3 * position) & 7))
        }
        append(0)
    }
}
