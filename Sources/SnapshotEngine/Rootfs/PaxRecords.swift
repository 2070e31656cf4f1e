// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// PAX extended header records: `<length> <keyword>=<value>\n`, where the length counts itself.
enum PaxRecords {
    /// Whether a byte may stand in a ustar name field, which is ASCII.
    static func isPlain(_ byte: UInt8) -> Bool { byte >= 0x20 && byte < 0x7f }

    /// Whether a name fits its ustar field as it is.
    static func fits(_ name: [UInt8]) -> Bool { name.count <= 100 && name.allSatisfy(isPlain) }

    /// Whether a number fits a ustar field of so many octal digits.
    static func fits(_ value: UInt64, digits: Int) -> Bool { value >> UInt64(3 * digits) == 0 }

    /// Appends one record.
    static func append(_ keyword: some Collection<UInt8>, _ value: some Collection<UInt8>, to bytes: inout [UInt8]) {
        let rest = keyword.count + value.count + 3
        var length = rest + decimal(rest).count
        // The digits of the length count too, and may become one more by that.
        if decimal(length).count > decimal(rest).count { length = rest + decimal(length).count }
        bytes += decimal(length)
        bytes.append(UInt8(ascii: " "))
        bytes += keyword
        bytes.append(UInt8(ascii: "="))
        bytes += value
        bytes.append(UInt8(ascii: "\n"))
    }

    /// Seconds as a decimal fraction without trailing zeros; negative times keep their value.
    static func decimal(_ time: FileTime) -> [UInt8] {
        // -2 s and 0.75 s forwards is -1.25 s.
        let isNegative = time.seconds < 0
        let carries = isNegative && time.nanoseconds > 0
        let seconds = carries ? time.seconds + 1 : time.seconds
        let fraction = carries ? 1_000_000_000 - time.nanoseconds : time.nanoseconds
        var text = (isNegative ? "-" : "") + String(seconds.magnitude)
        guard fraction > 0 else { return Array(text.utf8) }
        let digits = String(fraction)
        text += "." + String(repeating: "0", count: 9 - digits.count) + digits
        var bytes = Array(text.utf8)
        while bytes.last == UInt8(ascii: "0") { bytes.removeLast() }
        return bytes
    }

    private static func decimal(_ number: Int) -> [UInt8] { Array(String(number).utf8) }
}

extension TarHeader {
    /// The records that this entry needs; empty if ustar's fields say it all.
    func extendedRecords() -> [UInt8] {
        var bytes: [UInt8] = []
        func append(_ keyword: String, _ value: some Collection<UInt8>) {
            PaxRecords.append(keyword.utf8, value, to: &bytes)
        }
        let longPath = !PaxRecords.fits(path)
        let longTarget = !PaxRecords.fits(linkTarget)
        // PAX is UTF-8 unless it says otherwise, which it must do first.
        if longPath && !isUTF8(path) || longTarget && !isUTF8(linkTarget) { append("hdrcharset", "BINARY".utf8) }
        if longPath { append("path", path) }
        if longTarget { append("linkpath", linkTarget) }
        if !PaxRecords.fits(UInt64(size), digits: 11) { append("size", String(size).utf8) }
        if !PaxRecords.fits(UInt64(user), digits: 7) { append("uid", String(user).utf8) }
        if !PaxRecords.fits(UInt64(group), digits: 7) { append("gid", String(group).utf8) }
        let seconds = modified.seconds
        if modified.nanoseconds > 0 || seconds < 0 || !PaxRecords.fits(UInt64(seconds), digits: 11) {
            append("mtime", PaxRecords.decimal(modified))
        }
        for attribute in attributes {
            PaxRecords.append(Array("SCHILY.xattr.".utf8) + attribute.name, attribute.value, to: &bytes)
        }
        return bytes
    }

    private func isUTF8(_ name: [UInt8]) -> Bool { String(validating: name, as: UTF8.self) != nil }
}
