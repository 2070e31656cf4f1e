// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ImageBuilder

/// An ELF file of headers only: enough of one for whoever reads what it needs.
struct SampleELF {
    var machine: UInt16 = 62
    var interpreter: String?
    var needed: [String] = []
    var soname: String?
    var runPath: String?
    var rPath: String?

    /// Where the file will be in memory: not where it is in the file, as in real programs.
    private static let address: UInt64 = 0x40_0000

    var bytes: [UInt8] {
        var strings: [UInt8] = [0]
        var dynamic: [(UInt64, UInt64)] = []
        func name(_ tag: UInt64, _ text: String) {
            dynamic.append((tag, UInt64(strings.count)))
            strings += Array(text.utf8) + [0]
        }
        for text in needed { name(1, text) }
        if let soname { name(14, soname) }
        if let rPath { name(15, rPath) }
        if let runPath { name(29, runPath) }
        let hasDynamic = !dynamic.isEmpty
        let interpreterBytes: [UInt8] = interpreter.map { Array($0.utf8) + [0] } ?? []
        let segments = 1 + (hasDynamic ? 1 : 0) + (interpreter == nil ? 0 : 1)
        let stringsStart = 64 + 56 * segments
        let interpreterStart = stringsStart + strings.count
        let dynamicStart = interpreterStart + interpreterBytes.count
        dynamic += [(5, Self.address + UInt64(stringsStart)), (10, UInt64(strings.count)), (0, 0)]
        let size = dynamicStart + dynamic.count * 16

        var bytes: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1] + [UInt8](repeating: 0, count: 9)
        func put<Number: FixedWidthInteger>(_ number: Number) {
            withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
        }
        put(UInt16(3))
        put(machine)
        put(UInt32(1))
        put(UInt64(0))
        put(UInt64(64))
        put(UInt64(0))
        put(UInt32(0))
        for number in [64, 56, UInt16(segments), 0, 0, 0] as [UInt16] { put(number) }
        func segment(_ type: UInt32, _ start: Int, _ count: Int) {
            put(type)
            put(UInt32(4))
            put(UInt64(start))
            put(Self.address + UInt64(start))
            put(Self.address + UInt64(start))
            put(UInt64(count))
            put(UInt64(count))
            put(UInt64(8))
        }
        segment(1, 0, size)
        if hasDynamic { segment(2, dynamicStart, dynamic.count * 16) }
        if interpreter != nil { segment(3, interpreterStart, interpreterBytes.count) }
        bytes += strings + interpreterBytes
        for (tag, value) in dynamic {
            put(tag)
            put(value)
        }
        return bytes
    }

    func read() throws -> ELFFile { try Self.read(bytes) }

    static func read(_ bytes: [UInt8]) throws -> ELFFile {
        try ELFFile { offset, count in range(of: bytes, offset, count) }
    }

    /// What reading a file at an offset gives.
    static func range(of bytes: [UInt8], _ offset: UInt64, _ count: Int) -> [UInt8] {
        guard offset < UInt64(bytes.count) else { return [] }
        return Array(bytes[Int(offset)...].prefix(count))
    }
}
