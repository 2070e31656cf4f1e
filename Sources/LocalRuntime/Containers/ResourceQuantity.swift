// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// A non-negative amount in Kubernetes' notation: `500m`, `2`, `0.5`, `512Mi`, `1G`, `1e3`.
///
/// It is kept exactly, in billionths; what is finer is rounded up, as Kubernetes does.
public struct ResourceQuantity: Sendable, Hashable, Comparable {
    /// The amount in billionths (10^-9) of a unit.
    public var nanos: UInt128

    /// Kubernetes allows no amount above 2^63 - 1.
    static let maximumNanos = UInt128(Int64.max) * 1_000_000_000

    /// Creates an amount from its billionths.
    public init(nanos: UInt128) {
        self.nanos = nanos
    }

    /// Reads an amount.
    ///
    /// - Parameter text: digits with an optional point, then nothing, a decimal suffix (`n u m k M G T P E`), a binary
    ///   suffix (`Ki Mi Gi Ti Pi Ei`) or a decimal exponent (`e3`, `E-2`).
    /// - Throws: `SandboxError` with the code `invalidParameter` if the text is anything else, is negative, or stands
    ///   for more than 2^63 - 1.
    public init(parsing text: String) throws {
        var rest = Substring(text).utf8
        if rest.first == UInt8(ascii: "+") { rest = rest.dropFirst() }
        if rest.first == UInt8(ascii: "-") { throw Self.invalid(text, "it is negative") }

        let whole = rest.prefix { $0.isDigit }
        rest = rest.dropFirst(whole.count)
        var fraction = rest.prefix(0)
        if rest.first == UInt8(ascii: ".") {
            rest = rest.dropFirst()
            fraction = rest.prefix { $0.isDigit }
            rest = rest.dropFirst(fraction.count)
        }
        guard !(whole.isEmpty && fraction.isEmpty) else { throw Self.invalid(text, "it does not begin with a number") }
        guard let suffix = Suffix(rest) else {
            throw Self.invalid(text, "`\(String(Substring(rest)))` is not a suffix of Kubernetes' quantities")
        }
        guard let nanos = Self.nanos(whole: whole, fraction: fraction, suffix: suffix) else {
            throw Self.invalid(text, "it is out of range")
        }
        self.nanos = nanos
    }

    /// The amount in units of `size` billionths, rounded up.
    func roundedUp(toMultiplesOf size: UInt128) -> UInt128 {
        let (quotient, remainder) = nanos.quotientAndRemainder(dividingBy: size)
        return remainder == 0 ? quotient : quotient + 1
    }

    /// Compares amounts.
    public static func < (left: Self, right: Self) -> Bool { left.nanos < right.nanos }

    private static func nanos(
        whole: Substring.UTF8View,
        fraction: Substring.UTF8View,
        suffix: Suffix
    ) -> UInt128? {
        var mantissa: UInt128 = 0
        // Trailing zeros say nothing and would overflow early.
        let significant = fraction.reversed().drop { $0 == UInt8(ascii: "0") }.reversed()
        for digit in whole {
            guard let next = mantissa.appending(digit) else { return nil }
            mantissa = next
        }
        for digit in significant {
            guard let next = mantissa.appending(digit) else { return nil }
            mantissa = next
        }
        guard mantissa > 0 else { return 0 }

        var value = mantissa
        for _ in 0..<suffix.binaryTens {
            let (product, overflow) = value.multipliedReportingOverflow(by: 1024)
            guard !overflow else { return nil }
            value = product
        }
        let exponent = 9 + suffix.decimalExponent - significant.count
        if exponent >= 0 {
            for _ in 0..<exponent {
                let (product, overflow) = value.multipliedReportingOverflow(by: 10)
                guard !overflow, product <= maximumNanos else { return nil }
                value = product
            }
        } else {
            var inexact = false
            for _ in 0..<(-exponent) where value > 0 {
                inexact = inexact || value % 10 != 0
                value /= 10
            }
            if inexact { value += 1 }
        }
        return value <= maximumNanos ? value : nil
    }

    private static func invalid(_ text: String, _ reason: String) -> SandboxError {
        SandboxError(
            .invalidParameter,
            "`\(text)` is not an amount: \(reason). Write for example 500m, 2 or 0.5 for cpu, 512Mi or 1G for memory."
        )
    }
}

/// What stands behind the number of a quantity.
private struct Suffix {
    /// Powers of 1024.
    var binaryTens = 0
    /// Powers of ten.
    var decimalExponent = 0

    /// Reads a whole suffix; nil if it is none.
    init?(_ text: Substring.UTF8View) {
        switch String(Substring(text)) {
        case "": return
        case "n": decimalExponent = -9
        case "u": decimalExponent = -6
        case "m": decimalExponent = -3
        case "k": decimalExponent = 3
        case "M": decimalExponent = 6
        case "G": decimalExponent = 9
        case "T": decimalExponent = 12
        case "P": decimalExponent = 15
        case "E": decimalExponent = 18
        case "Ki": binaryTens = 1
        case "Mi": binaryTens = 2
        case "Gi": binaryTens = 3
        case "Ti": binaryTens = 4
        case "Pi": binaryTens = 5
        case "Ei": binaryTens = 6
        default:
            guard text.first == UInt8(ascii: "e") || text.first == UInt8(ascii: "E") else { return nil }
            var digits = text.dropFirst()
            let negative = digits.first == UInt8(ascii: "-")
            if negative || digits.first == UInt8(ascii: "+") { digits = digits.dropFirst() }
            // Three digits say everything that can be in range.
            guard !digits.isEmpty, digits.count <= 3, digits.allSatisfy(\.isDigit),
                let exponent = Int(String(Substring(digits)))
            else { return nil }
            decimalExponent = negative ? -exponent : exponent
        }
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }
}

extension UInt128 {
    /// This number with one more decimal digit, or nil if that overflows.
    fileprivate func appending(_ digit: UInt8) -> UInt128? {
        let (product, overflow) = multipliedReportingOverflow(by: 10)
        guard !overflow else { return nil }
        let (sum, carry) = product.addingReportingOverflow(UInt128(digit - UInt8(ascii: "0")))
        return carry ? nil : sum
    }
}
