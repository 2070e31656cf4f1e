// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension PaxRecords {
    /// Reads the records of an extended header.
    static func parse(_ bytes: ArraySlice<UInt8>) throws(TarError) -> [PaxRecord] {
        var records: [PaxRecord] = []
        var rest = bytes
        while !rest.isEmpty {
            let (record, end) = try parseRecord(rest)
            records.append(record)
            rest = rest[end...]
        }
        return records
    }

    /// The first record, and where the next one begins.
    private static func parseRecord(_ bytes: ArraySlice<UInt8>) throws(TarError) -> (PaxRecord, end: Int) {
        let digits = bytes.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard (1...9).contains(digits.count), digits.first != UInt8(ascii: "0"),
            bytes.dropFirst(digits.count).first == UInt8(ascii: " ")
        else { throw .malformed("a PAX record has no length") }
        let length = digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) }
        let end = bytes.startIndex + length
        let start = digits.endIndex + 1
        guard length <= bytes.count, end > start, bytes[end - 1] == UInt8(ascii: "\n") else {
            throw .malformed("the length of a PAX record is not that of the record")
        }
        let text = bytes[start..<(end - 1)]
        guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > start else {
            throw .malformed("a PAX record has no keyword")
        }
        return (PaxRecord(keyword: Array(text[..<equals]), value: Array(text[(equals + 1)...])), end)
    }
}
