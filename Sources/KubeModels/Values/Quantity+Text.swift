// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension Quantity {
    private static let decimalSuffixes: [(suffix: String, exponent: Int)] = [
        ("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18),
    ]
    private static let binarySuffixes = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"]

    /// The form that the API server gives it: no fraction, and the largest suffix that needs none. An amount of binary
    /// suffixes that is less than 1024 has a decimal one.
    public var canonical: String {
        if nanos == 0 { return "0" }
        let kibi = 1024 * Self.nanosPerUnit
        if format == .binarySI, nanos.magnitude >= kibi.magnitude {
            // Less than one is rounded away from zero.
            let (quotient, rest) = nanos.quotientAndRemainder(dividingBy: Self.nanosPerUnit)
            var amount = quotient + Int128(rest.signum())
            var power = 0
            while power < Self.binarySuffixes.count, amount % 1024 == 0 {
                amount /= 1024
                power += 1
            }
            return "\(amount)" + (power == 0 ? "" : Self.binarySuffixes[power - 1])
        }
        var amount = nanos
        var exponent = -9
        while exponent < 18, amount % 1000 == 0 {
            amount /= 1000
            exponent += 3
        }
        if format == .decimalExponent { return exponent == 0 ? "\(amount)" : "\(amount)e\(exponent)" }
        return "\(amount)" + (Self.decimalSuffixes.first { $0.exponent == exponent }?.suffix ?? "")
    }

    /// Reads up to 15 digits with a common suffix, as nearly all quantities are written. `nil` for all others and for what is
    /// none.
    static func parsePlain(_ bytes: UnsafeBufferPointer<UInt8>) -> Quantity? {
        var amount = 0
        var place = 0
        while place < bytes.count, place < 16, bytes[place] &- 48 < 10 {
            amount = amount * 10 + Int(bytes[place] &- 48)
            place += 1
        }
        guard 1...15 ~= place else { return nil }
        let scale: Int128
        let format: Format
        switch bytes.count - place {
        case 0: (scale, format) = (nanosPerUnit, .decimalSI)
        case 1 where bytes[place] == UInt8(ascii: "m"): (scale, format) = (1_000_000, .decimalSI)
        case 2 where bytes[place] == UInt8(ascii: "K") && bytes[place + 1] == UInt8(ascii: "i"):
            (scale, format) = (nanosPerUnit << 10, .binarySI)
        case 2 where bytes[place] == UInt8(ascii: "M") && bytes[place + 1] == UInt8(ascii: "i"):
            (scale, format) = (nanosPerUnit << 20, .binarySI)
        case 2 where bytes[place] == UInt8(ascii: "G") && bytes[place + 1] == UInt8(ascii: "i"):
            (scale, format) = (nanosPerUnit << 30, .binarySI)
        default: return nil
        }
        return Quantity(nanos: Int128(amount) * scale, format: format)
    }

    /// Reads `[+-]digits[.digits]suffix`.
    ///
    /// - Returns: Nil if it is none; and whether it stands for more than there can be, and was cut off.
    static func parse(_ text: String) -> (quantity: Quantity, isCut: Bool)? {
        var rest = text.utf8[...]
        var isNegative = false
        if let sign = rest.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            rest = rest.dropFirst()
        }
        let whole = rest.prefix { 48...57 ~= $0 }
        rest = rest.dropFirst(whole.count)
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            fraction = rest.dropFirst().prefix { 48...57 ~= $0 }
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard whole.count + fraction.count > 0, let suffix = parseSuffix(String(Substring(rest))) else { return nil }
        // The digits without the zeros that say nothing, and the power of ten of the last one.
        var digits = Array(whole) + fraction
        var exponent = suffix.exponent - fraction.count
        while digits.last == 48 {
            digits.removeLast()
            exponent += 1
        }
        let significant = digits.drop { $0 == 48 }
        let (amount, isCut) = amount(of: significant, exponent: exponent + 9, scale: suffix.binaryScale)
        return (Quantity(nanos: isNegative ? -amount : amount, format: suffix.format), isCut)
    }

    /// `digits * 10^exponent * scale`, rounded up, or the limit if that is less.
    private static func amount(
        of digits: ArraySlice<UInt8>,
        exponent: Int,
        scale: Int128
    ) -> (amount: Int128, isCut: Bool) {
        if digits.isEmpty { return (0, false) }
        // The limit has 28 digits.
        if digits.count + exponent > 29 { return (limit, true) }
        // Two digits more than nanounits that binary scales make bigger could not be told from rounding up.
        if digits.count + exponent < -20 { return (1, false) }
        var exponent = exponent
        var amount: Int128 = 0
        var isInexact = false
        for (place, digit) in digits.enumerated() {
            if place >= 37 || amount > limit {
                isInexact = isInexact || digit != 48
                exponent += 1
            } else {
                amount = amount * 10 + Int128(digit - 48)
            }
        }
        // Scale first, or else what is divided off could have been whole; it may not fit, then divide first.
        var (scaled, overflow) = amount.multipliedReportingOverflow(by: scale)
        while overflow {
            isInexact = isInexact || amount % 10 != 0
            amount /= 10
            exponent += 1
            (scaled, overflow) = amount.multipliedReportingOverflow(by: scale)
        }
        while exponent > 0 {
            if scaled > limit { return (limit, true) }
            scaled *= 10
            exponent -= 1
        }
        while exponent < 0, scaled > 0 {
            isInexact = isInexact || scaled % 10 != 0
            scaled /= 10
            exponent += 1
        }
        let rounded = scaled + (isInexact ? 1 : 0)
        return (min(rounded, limit), rounded > limit)
    }

    private static func parseSuffix(_ text: String) -> (format: Format, exponent: Int, binaryScale: Int128)? {
        if let decimal = decimalSuffixes.first(where: { $0.suffix == text }) {
            return (.decimalSI, decimal.exponent, 1)
        }
        if let power = binarySuffixes.firstIndex(of: text) {
            return (.binarySI, 0, 1 << (10 * (power + 1)))
        }
        guard let first = text.utf8.first, first | 0x20 == UInt8(ascii: "e") else { return nil }
        let digits = text.dropFirst()
        let isWritten = digits.utf8.enumerated().allSatisfy { place, byte in
            48...57 ~= byte || (place == 0 && (byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-")))
        }
        guard isWritten, digits.utf8.count <= 10, let exponent = Int32(digits) else { return nil }
        // Far more than any limit either way, and nothing overflows.
        return (.decimalExponent, Int(min(max(exponent, -100_000), 100_000)), 1)
    }
}
