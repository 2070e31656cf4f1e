// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Reads a tar archive as its bytes come: ustar, PAX, and GNU's long names. Strict: what different readers would read
/// differently is an error.
///
/// Memory is bounded by one entry's headers, 1 MiB each.
struct TarReader: Sendable {
    /// What was read.
    enum Event {
        /// An entry begins.
        case entry(TarEntry)
        /// Content of the last entry. Valid until the next call.
        case content(UnsafeRawBufferPointer)
    }

    private enum Stage: Sendable, Hashable {
        /// A block is to come: an entry's, or one of zeros.
        case block
        /// An extended header's data.
        case extended(UInt8, size: Int)
        case content(Int64)
        case padding(Int)
        /// One block of zeros was read.
        case lastBlock
        /// Only zeros may follow.
        case end
    }

    private var stage = Stage.block
    /// The beginning of what is read as a whole.
    private var gathered: [UInt8] = []
    private var headers = ExtendedHeaders()

    /// Takes from the input as much as makes up the next event; nil if all of it is taken and there is none.
    mutating func next(from input: inout UnsafeRawBufferPointer) throws(TarError) -> Event? {
        while true {
            switch stage {
            case .block, .lastBlock:
                guard let block = gather(512, from: &input) else { return nil }
                if let entry = try read(block) { return .entry(entry) }
            case .extended(let type, let size):
                let padded = size + TarHeader.padding(after: Int64(size))
                guard let bytes = gather(padded, from: &input) else { return nil }
                try headers.add(type, bytes, size: size)
                stage = .block
            case .content(let rest):
                guard !input.isEmpty else { return nil }
                let content = UnsafeRawBufferPointer(rebasing: input.prefix(Int(min(rest, Int64(input.count)))))
                input = UnsafeRawBufferPointer(rebasing: input.dropFirst(content.count))
                let left = rest - Int64(content.count)
                if left > 0 { stage = .content(left) } else { endContent() }
                return .content(content)
            case .padding(let rest):
                guard !input.isEmpty else { return nil }
                let count = min(rest, input.count)
                input = UnsafeRawBufferPointer(rebasing: input.dropFirst(count))
                stage = rest > count ? .padding(rest - count) : .block
            case .end:
                guard input.allSatisfy({ $0 == 0 }) else { throw .malformed("something follows its end") }
                input = UnsafeRawBufferPointer(rebasing: input.suffix(0))
                return nil
            }
        }
    }

    /// Makes sure that the archive is complete.
    func finish() throws(TarError) {
        guard stage == .end else { throw .truncated }
    }

    private var paddingAfterContent = 0

    private mutating func endContent() {
        stage = paddingAfterContent > 0 ? .padding(paddingAfterContent) : .block
    }

    /// Collects so many bytes; nil until they are there.
    private mutating func gather(_ count: Int, from input: inout UnsafeRawBufferPointer) -> [UInt8]? {
        let part = input.prefix(count - gathered.count)
        gathered.append(contentsOf: part)
        input = UnsafeRawBufferPointer(rebasing: input.dropFirst(part.count))
        guard gathered.count == count else { return nil }
        return exchange(&gathered, with: [])
    }

    /// Reads a block: an entry, or part of one, or of the end.
    private mutating func read(_ block: [UInt8]) throws(TarError) -> TarEntry? {
        if block.allSatisfy({ $0 == 0 }) {
            guard headers.isEmpty else { throw .malformed("an extended header has no entry") }
            stage = stage == .lastBlock ? .end : .lastBlock
            return nil
        }
        guard stage == .block else { throw .malformed("a single block of zeros is in it") }
        try UstarBlock.check(block)
        let type = block[UstarField.type]
        switch type {
        case UInt8(ascii: "x"), UInt8(ascii: "L"), UInt8(ascii: "K"):
            let size = try UstarBlock.size(block)
            guard size > 0, size <= TarHeader.extendedLimit else {
                throw .malformed("an extended header has \(size) bytes")
            }
            try headers.begin(type, block)
            stage = .extended(type, size: Int(size))
            return nil
        default:
            let entry = try headers.takeEntry(block)
            paddingAfterContent = TarHeader.padding(after: entry.size)
            stage = entry.size > 0 ? .content(entry.size) : .block
            return entry
        }
    }
}
