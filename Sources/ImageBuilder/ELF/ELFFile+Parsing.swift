// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension ELFFile {
    /// Reads a range of a file: at most `count` bytes from `offset`, fewer only at its end.
    public typealias Reader = (_ offset: UInt64, _ count: Int) throws -> [UInt8]

    /// Reads the headers that the dynamic loader reads, after the System V ABI and the layout of `elf(5)`. No section
    /// headers: a stripped program has none.
    ///
    /// - Throws: `ELFProblem`, and what `read` throws.
    public init(reading read: @escaping Reader) throws {
        let file = Ranges(read: read)
        let header = try Self.checkedHeader(try read(0, 64))
        guard let machine = Machine(rawValue: header.number(at: 18)) else {
            throw ELFProblem.unsupported("the processor type \(header.number(at: 18) as UInt16)")
        }
        self.init(machine: machine)
        let segments = try Self.segments(of: file, header)
        if let segment = segments.first(where: { $0.type == Segment.interpreter }) {
            let size = Int(clamping: segment.fileSize)
            guard size > 1, size <= Self.longestName else {
                throw ELFProblem.malformed("its loader's name has \(size) bytes")
            }
            interpreter = try Self.name(in: try file.bytes(at: segment.offset, count: size, of: "its loader's name"))
        }
        if let segment = segments.first(where: { $0.type == Segment.dynamic }) {
            try readDynamic(file, segment, segments)
        }
    }

    /// No name or list of folders is longer than a path may be, all but surely.
    private static let longestName = 16 << 10
    private static let mostSegments = 512
    private static let mostDynamicEntries = 64 << 10

    private struct Segment {
        static let load: UInt32 = 1
        static let dynamic: UInt32 = 2
        static let interpreter: UInt32 = 3

        var type: UInt32
        var offset: UInt64
        var address: UInt64
        var fileSize: UInt64
    }

    /// The file, of which every range that is asked for has to be there.
    private struct Ranges {
        let read: Reader

        func bytes(at offset: UInt64, count: Int, of what: String) throws -> [UInt8] {
            let bytes = try read(offset, count)
            guard bytes.count == count else { throw ELFProblem.malformed("\(what) is beyond its end") }
            return bytes
        }
    }

    private static func checkedHeader(_ header: [UInt8]) throws -> [UInt8] {
        guard header.starts(with: [0x7f, 0x45, 0x4c, 0x46]) else { throw ELFProblem.notELF }
        guard header.count == 64 else { throw ELFProblem.malformed("it ends within its header") }
        guard header[4] == 2 else { throw ELFProblem.unsupported("a class other than 64-bit") }
        guard header[5] == 1 else { throw ELFProblem.unsupported("a byte order other than little-endian") }
        let type: UInt16 = header.number(at: 16)
        guard type == 2 || type == 3 else { throw ELFProblem.unsupported("the file type \(type)") }
        return header
    }

    private static func segments(of file: Ranges, _ header: [UInt8]) throws -> [Segment] {
        let (size, count) = (header.number(at: 54) as UInt16, header.number(at: 56) as UInt16)
        guard count > 0 else { return [] }
        guard size == 56, count <= mostSegments else {
            throw ELFProblem.malformed("it has \(count) program headers of \(size) bytes")
        }
        let table = try file.bytes(at: header.number(at: 32), count: Int(count) * 56, of: "its program header table")
        return (0..<Int(count)).map { index in
            let start = index * 56
            return Segment(
                type: table.number(at: start),
                offset: table.number(at: start + 8),
                address: table.number(at: start + 16),
                fileSize: table.number(at: start + 32)
            )
        }
    }

    private mutating func readDynamic(_ file: Ranges, _ segment: Segment, _ segments: [Segment]) throws {
        let count = Int(clamping: segment.fileSize / 16)
        guard count <= Self.mostDynamicEntries else { throw ELFProblem.malformed("it has \(count) dynamic entries") }
        let table = try file.bytes(at: segment.offset, count: count * 16, of: "its dynamic section")
        var entries: [(tag: UInt64, value: UInt64)] = []
        for index in 0..<count {
            let tag: UInt64 = table.number(at: index * 16)
            if tag == 0 { break }
            entries.append((tag, table.number(at: index * 16 + 8)))
        }
        // DT_NEEDED, DT_SONAME, DT_RPATH and DT_RUNPATH are offsets into DT_STRTAB, of DT_STRSZ bytes.
        let named = entries.filter { [1, 14, 15, 29].contains($0.tag) }
        guard !named.isEmpty else { return }
        guard let address = entries.first(where: { $0.tag == 5 })?.value,
            let size = entries.first(where: { $0.tag == 10 })?.value,
            let start = Self.offset(of: address, in: segments)
        else { throw ELFProblem.malformed("its dynamic section has no string table") }
        for (tag, index) in named {
            let (offset, overflow) = start.addingReportingOverflow(index)
            guard index < size, !overflow else { throw ELFProblem.malformed("a name is beyond its string table") }
            let room = Int(clamping: min(size - index, UInt64(Self.longestName)))
            let text = try Self.name(in: try file.read(offset, room))
            switch tag {
            case 1: needed.append(text)
            case 14: soname = text
            case 15: rPath = Self.folders(text)
            default: runPath = Self.folders(text)
            }
        }
    }

    /// Where in the file is what will be at an address.
    private static func offset(of address: UInt64, in segments: [Segment]) -> UInt64? {
        for segment in segments where segment.type == Segment.load && address >= segment.address {
            let distance = address - segment.address
            guard distance < segment.fileSize else { continue }
            let (offset, overflow) = segment.offset.addingReportingOverflow(distance)
            return overflow ? nil : offset
        }
        return nil
    }

    /// The text up to the zero that ends it.
    private static func name(in bytes: [UInt8]) throws -> String {
        guard let end = bytes.firstIndex(of: 0), end > 0,
            let text = String(validating: bytes[..<end], as: UTF8.self)
        else { throw ELFProblem.malformed("a name in it is empty, has no end or is no UTF-8") }
        return text
    }

    private static func folders(_ text: String) -> [String] {
        text.split(separator: ":").map(String.init)
    }
}

extension [UInt8] {
    /// The little-endian number at an index, which must be within the bytes.
    fileprivate func number<Number: FixedWidthInteger>(at index: Int) -> Number {
        var number: Number = 0
        for byte in self[index..<(index + Number.bitWidth / 8)].reversed() { number = number << 8 | Number(byte) }
        return number
    }
}
