// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// An amount as Kubernetes writes it: `100m`, `1.5Gi`, `2e3` (`resource.Quantity`).
///
/// It is exact, from a billionth to 2^63 - 1; what is finer is rounded away from zero, what is more is cut off, as the API
/// documents it. Two quantities are the same when their amounts are, however they are written. One that was read is
/// written again as it was.
public struct Quantity: Sendable {
    /// Which suffixes it is written with.
    public enum Format: Sendable, Hashable {
        /// Powers of 1000: `n`, `u`, `m`, none, `k`, `M`, `G`, `T`, `P`, `E`.
        case decimalSI
        /// Powers of 1024: `Ki`, `Mi`, `Gi`, `Ti`, `Pi`, `Ei`.
        case binarySI
        /// `e3`, `e6` ...
        case decimalExponent
    }

    private enum Spelling: Sendable {
        case canonical
        case string(String)
        case number(String)
    }

    static let nanosPerUnit: Int128 = 1_000_000_000
    static let limit = Int128(Int64.max) * nanosPerUnit

    /// The amount in billionths.
    let nanos: Int128
    /// Which suffixes it is written with.
    public let format: Format
    private var spelling = Spelling.canonical

    init(nanos: Int128, format: Format) {
        self.nanos = min(max(nanos, -Self.limit), Self.limit)
        self.format = format
    }

    /// A whole number of units.
    public init(_ units: Int, format: Format = .decimalSI) {
        self.init(nanos: Int128(units) * Self.nanosPerUnit, format: format)
    }

    /// Thousandths, as CPUs are counted.
    public init(milli: Int, format: Format = .decimalSI) {
        self.init(nanos: Int128(milli) * 1_000_000, format: format)
    }

    /// Reads any spelling that the API server takes.
    public init?(_ text: String) {
        guard let parsed = Self.parse(text) else { return nil }
        self = parsed.quantity
        spelling = .string(text)
    }

    /// Reads what somebody asks for: any spelling that the API server takes, of an amount that can be.
    ///
    /// The API server takes `1e400`, too, and what it has taken has to be read. But nobody can be given that much, and programs that
    /// count in floating point, as some of Kubernetes' do, take it for infinite.
    ///
    /// - Returns: Nil also if it is more than 2^63 - 1, or less than the negative of that.
    public init?(withinLimits text: String) {
        guard let parsed = Self.parse(text), !parsed.isCut else { return nil }
        self = parsed.quantity
        spelling = .string(text)
    }

    /// The amount in units, rounded up; for bytes.
    public var units: Int { scaled(Self.nanosPerUnit) }

    /// The amount in thousandths, rounded up; for CPUs. At most `Int.max`.
    public var milli: Int { scaled(1_000_000) }

    /// Nearly the amount.
    public var approximate: Double { Double(nanos) / 1e9 }

    private func scaled(_ unit: Int128) -> Int {
        let (quotient, rest) = nanos.quotientAndRemainder(dividingBy: unit)
        return Int(clamping: quotient + (rest > 0 ? 1 : 0))
    }

    /// The sum, in the first one's format unless that is nothing.
    public static func + (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nanos: left.nanos + right.nanos, format: left.nanos == 0 ? right.format : left.format)
    }

    /// The difference, in the first one's format unless that is nothing.
    public static func - (left: Quantity, right: Quantity) -> Quantity {
        Quantity(nanos: left.nanos - right.nanos, format: left.nanos == 0 ? right.format : left.format)
    }
}

extension Quantity: Hashable, Comparable {
    /// Whether the amounts are the same.
    public static func == (left: Quantity, right: Quantity) -> Bool { left.nanos == right.nanos }
    /// Whether the amount is less.
    public static func < (left: Quantity, right: Quantity) -> Bool { left.nanos < right.nanos }
    /// Of the amount.
    public func hash(into hasher: inout Hasher) { hasher.combine(nanos) }
}

extension Quantity: JSONConvertible {
    /// Reads a string or a number.
    public init(from reader: inout JSONReader) throws(JSONError) {
        let offset = reader.offset
        if let bytes = try reader.readPlainBytes() {
            let text = String(decoding: bytes, as: UTF8.self)
            guard let parsed = Self.parsePlain(bytes) ?? Self.parse(text)?.quantity else {
                throw JSONError("is no quantity", at: offset)
            }
            self = parsed
            spelling = .string(text)
            return
        }
        let isNumber = try reader.nextKind() == .number
        let text = isNumber ? try reader.readNumber() : try reader.readString()
        guard let parsed = Self.parse(text)?.quantity else { throw JSONError("is no quantity", at: offset) }
        self = parsed
        spelling = isNumber ? .number(text) : .string(text)
    }

    /// Writes it as it was read, else a string in canonical form.
    public func write(to writer: inout JSONWriter) {
        switch spelling {
        case .canonical: writer.write(canonical)
        case .string(let text): writer.write(text)
        case .number(let text): writer.write(raw: text)
        }
    }
}

extension Quantity: CustomStringConvertible, ExpressibleByIntegerLiteral {
    /// The canonical form.
    public var description: String { canonical }
    /// A whole number of units.
    public init(integerLiteral value: Int) { self.init(value) }
}
