// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import NIOCore

/// Reads the answers of one connection (HTTP/1.1, RFC 9112) from bytes as they come. Pure.
///
/// It is strict: what is doubtful, such as two different lengths, is an error and not a guess.
struct AnswerParser {
    /// What comes next of an answer.
    enum Part {
        case head(AnswerHead)
        case body(ByteBuffer)
        /// The end, and whether another answer may follow.
        case end(isReusable: Bool)
    }

    struct Malformed: Error, Hashable {
        let reason: String
    }

    private enum Place {
        case head
        /// So many bytes of a body of known length are to come.
        case body(Int)
        case bodyUntilClose
        case chunkSize
        case chunk(Int)
        case chunkEnd
        case trailers
    }

    /// How many bytes a head, or what follows a body, may have.
    static let headLimit = 64 << 10
    /// How many bytes the line with a chunk's size may have.
    static let sizeLineLimit = 1 << 10

    private var place = Place.head
    private var bytes = ByteBuffer()
    /// How many of the bytes are known not to end a line.
    private var searched = 0
    private var isReusable = true
    /// How many bytes of trailers have gone by.
    private var trailerBytes = 0

    /// Whether it is between two answers, with nothing of the next one.
    var isAtStart: Bool {
        if case .head = place { return bytes.readableBytes == 0 }
        return false
    }

    /// Takes bytes up.
    mutating func append(_ more: ByteBuffer) {
        if bytes.readableBytes == 0 {
            bytes = more
        } else {
            bytes.writeImmutableBuffer(more)
        }
    }

    /// What comes next; `nil` if that has not come yet.
    mutating func next() throws(Malformed) -> Part? {
        while true {
            switch place {
            case .head:
                guard let head = try readHead() else { return nil }
                // What comes before the answer is none.
                if 100..<200 ~= head.code { continue }
                return .head(head)
            case .body(0): return end()
            case .body(let left):
                guard let part = readSome(left) else { return nil }
                place = .body(left - part.readableBytes)
                return .body(part)
            case .bodyUntilClose: return readSome(.max).map { .body($0) }
            case .chunkSize:
                guard let size = try readChunkSize() else { return nil }
                trailerBytes = 0
                place = size == 0 ? .trailers : .chunk(size)
            case .chunk(let left):
                guard let part = readSome(left) else { return nil }
                place = part.readableBytes == left ? .chunkEnd : .chunk(left - part.readableBytes)
                return .body(part)
            case .chunkEnd:
                guard let line = try readLine(limit: 2) else { return nil }
                guard line.isEmpty else { throw Malformed(reason: "a part that is longer than it says") }
                place = .chunkSize
            case .trailers:
                guard let line = try readLine(limit: Self.headLimit) else { return nil }
                if line.isEmpty { return end() }
                trailerBytes += line.count
                guard trailerBytes <= Self.headLimit else { throw Malformed(reason: "more than it has room for") }
            }
        }
    }

    /// What comes after the last byte; `nil` if an answer was cut off, or none has begun.
    mutating func finish() -> Part? {
        guard case .bodyUntilClose = place else { return nil }
        isReusable = false
        return end()
    }

    private mutating func end() -> Part {
        place = .head
        searched = 0
        return .end(isReusable: isReusable && bytes.readableBytes == 0)
    }

    private mutating func readSome(_ limit: Int) -> ByteBuffer? {
        bytes.readableBytes == 0 ? nil : bytes.readSlice(length: min(limit, bytes.readableBytes))
    }

    // MARK: Lines

    /// The place of the next line end from an offset on.
    private func lineEnd(from offset: Int) -> Int? {
        bytes.withUnsafeReadableBytes { $0[min(offset, $0.count)...].firstIndex(of: UInt8(ascii: "\n")) }
    }

    /// The next line without its end.
    private mutating func readLine(limit: Int) throws(Malformed) -> [UInt8]? {
        guard let end = lineEnd(from: searched) else {
            searched = bytes.readableBytes
            guard searched <= limit else { throw Malformed(reason: "a line that does not end") }
            return nil
        }
        searched = 0
        guard end < limit + 1, let line = bytes.readBytes(length: end + 1), line.dropLast().last == 0x0D else {
            throw Malformed(reason: "a line that does not end as lines do")
        }
        return Array(line.dropLast(2))
    }

    private mutating func readChunkSize() throws(Malformed) -> Int? {
        guard let line = try readLine(limit: Self.sizeLineLimit) else { return nil }
        // What comes after a semicolon nobody has agreed on.
        var digits = line.prefix { $0 != UInt8(ascii: ";") }
        while let last = digits.last, last == 0x20 || last == 0x09 { digits.removeLast() }
        guard 1...15 ~= digits.count, let size = Int(String(decoding: digits, as: UTF8.self), radix: 16), size >= 0,
            digits.first != UInt8(ascii: "+"), digits.first != UInt8(ascii: "-")
        else { throw Malformed(reason: "a part without a size") }
        return size
    }

    // MARK: Heads

    private mutating func readHead() throws(Malformed) -> AnswerHead? {
        // Where the empty line after the last field begins.
        var start = searched
        while let end = lineEnd(from: start) {
            let isEmpty = bytes.withUnsafeReadableBytes { line in
                end - start == 1 && line[start] == 0x0D
            }
            if isEmpty, start > 0 {
                searched = 0
                return try takeHead(linesEnd: start, end: end + 1)
            }
            start = end + 1
            searched = start
            guard start <= Self.headLimit else { throw Malformed(reason: "a head that is too long") }
        }
        guard bytes.readableBytes <= Self.headLimit else { throw Malformed(reason: "a head that is too long") }
        // What cannot become an answer any more is not waited for.
        if bytes.readableBytes > 0 { try bytes.withUnsafeReadableBytesThrowing(Self.checkVersion) }
        return nil
    }

    private mutating func takeHead(linesEnd: Int, end: Int) throws(Malformed) -> AnswerHead {
        let firstEnd = (lineEnd(from: 0) ?? linesEnd) + 1
        let (code, isOld) = try bytes.withUnsafeReadableBytesThrowing { (all) throws(Malformed) in
            try Self.readStatus(all[..<firstEnd])
        }
        var fields = Fields()
        try bytes.withUnsafeReadableBytesThrowing { (all) throws(Malformed) in
            var start = firstEnd
            while start < linesEnd {
                let stop = all[start..<linesEnd].firstIndex(of: UInt8(ascii: "\n")) ?? linesEnd
                try fields.read(all[start..<stop])
                start = stop + 1
            }
        }
        let head = AnswerHead(
            code: code,
            fields: bytes.getSlice(at: bytes.readerIndex + firstEnd, length: linesEnd - firstEnd) ?? ByteBuffer()
        )
        bytes.moveReaderIndex(forwardBy: end)
        if 100..<200 ~= code {
            guard code != 101 else { throw Malformed(reason: "another protocol that nobody asked for") }
            return head
        }
        isReusable = !fields.closes && (!isOld || fields.keepsAlive)
        switch (fields.isChunked, fields.length) {
        case _ where code == 204 || code == 304: place = .body(0)
        case (true, nil): place = .chunkSize
        case (true, _?): throw Malformed(reason: "two lengths")
        case (false, let length?): place = .body(length)
        case (false, nil): place = .bodyUntilClose
        }
        return head
    }

    private static func checkVersion(_ all: UnsafeRawBufferPointer) throws(Malformed) {
        guard zip(all, "HTTP/1.".utf8).allSatisfy({ $0 == $1 }) else { throw Malformed(reason: "no HTTP/1.1") }
    }

    /// The code of `HTTP/1.1 200 OK`, and whether the version is 1.0.
    private static func readStatus(_ line: Slice<UnsafeRawBufferPointer>) throws(Malformed) -> (code: Int, isOld: Bool)
    {
        let bytes = UnsafeRawBufferPointer(rebasing: line)
        try checkVersion(bytes)
        guard bytes.count >= 14, bytes[7] == UInt8(ascii: "1") || bytes[7] == UInt8(ascii: "0"), bytes[8] == 0x20,
            bytes[9..<12].allSatisfy({ 48...57 ~= $0 }), bytes[9] != 48, bytes[12] == 0x20 || bytes[12] == 0x0D,
            bytes[bytes.count - 2] == 0x0D
        else { throw Malformed(reason: "no code") }
        return (bytes[9..<12].reduce(0) { $0 * 10 + Int($1 - 48) }, bytes[7] == UInt8(ascii: "0"))
    }

    /// What the fields of a head say about its body and its connection.
    private struct Fields {
        var length: Int?
        var isChunked = false
        var closes = false
        var keepsAlive = false

        /// Reads a line without its last character.
        mutating func read(_ line: Slice<UnsafeRawBufferPointer>) throws(Malformed) {
            guard line.last == 0x0D, let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex,
                line[..<colon].allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
                line[colon...].dropLast().allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 })
            else { throw Malformed(reason: "a field that is none") }
            // The three that matter are told apart by their lengths first.
            let name = line[..<colon]
            switch name.count {
            case 14 where name.isWord("content-length"):
                let digits = line[(colon + 1)...].withoutBlanks
                guard 1...18 ~= digits.count, digits.allSatisfy({ 48...57 ~= $0 }) else {
                    throw Malformed(reason: "a length that is none")
                }
                let value = digits.reduce(0) { $0 * 10 + Int($1 - 48) }
                guard length == nil || length == value else { throw Malformed(reason: "two lengths") }
                length = value
            case 17 where name.isWord("transfer-encoding"):
                guard line[(colon + 1)...].withoutBlanks.isWord("chunked"), !isChunked else {
                    throw Malformed(reason: "an encoding that nobody asked for")
                }
                isChunked = true
            case 10 where name.isWord("connection"):
                for option in line[(colon + 1)...].split(separator: UInt8(ascii: ",")) {
                    if option.withoutBlanks.isWord("close") { closes = true }
                    if option.withoutBlanks.isWord("keep-alive") { keepsAlive = true }
                }
            default: break
            }
        }
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// Whether it is a word, in whichever case.
    fileprivate func isWord(_ word: StaticString) -> Bool {
        count == word.utf8CodeUnitCount && hasPrefix(UnsafeBufferPointer(start: word.utf8Start, count: count))
    }
}

extension ByteBuffer {
    /// As `withUnsafeReadableBytes`, which forgets the type of what is thrown.
    fileprivate func withUnsafeReadableBytesThrowing<Value>(
        _ body: (UnsafeRawBufferPointer) throws(AnswerParser.Malformed) -> Value
    ) throws(AnswerParser.Malformed) -> Value {
        try withUnsafeReadableBytes { bytes in
            Result { () throws(AnswerParser.Malformed) in try body(bytes) }
        }.get()
    }
}
