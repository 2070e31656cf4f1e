// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a name may be. The API server refuses what breaks these rules, so it is better known before.
public enum NameRule: Sendable, Hashable, CaseIterable {
    /// A DNS label (RFC 1123): lower-case letters, digits and `-` between them, at most 63. Namespaces and most parts of
    /// other names.
    case label
    /// A DNS label that begins with a letter (RFC 1035), at most 63. Services.
    case labelWithLetter
    /// Labels with dots between them, at most 253. Most objects.
    case subdomain
    /// `[subdomain/]name`: keys of labels and annotations.
    case qualifiedName
    /// At most 63 letters, digits, `-`, `_` and `.`, none of these three at either end; or nothing. Values of labels.
    case labelValue

    /// Whether a text keeps the rule.
    public func allows(_ text: String) -> Bool { problem(with: text) == nil }

    /// What is wrong with a text, as the rest of a sentence that begins with it; `nil` if nothing is.
    public func problem(with text: String) -> String? {
        let bytes = Array(text.utf8)
        switch self {
        case .label, .labelWithLetter:
            guard bytes.count <= 63 else { return "has more than 63 characters" }
            if self == .labelWithLetter, let first = bytes.first, !Self.isLowercase(first) {
                return "does not begin with a lower-case letter"
            }
            return Self.isLabel(bytes[...]) ? nil : "is not made of lower-case letters, digits and '-' between them"
        case .subdomain:
            guard bytes.count <= 253 else { return "has more than 253 characters" }
            return bytes.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy(Self.isLabel)
                ? nil : "is not made of lower-case letters, digits, and '-' and '.' between them"
        case .qualifiedName:
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            guard parts.count <= 2, let name = parts.last else { return "has more than one '/'" }
            if parts.count == 2, let problem = Self.subdomain.problem(with: String(parts[0])) {
                return "has a prefix that \(problem)"
            }
            if name.isEmpty { return "has no name" }
            return Self.labelValue.problem(with: String(name))
        case .labelValue:
            guard bytes.count <= 63 else { return "has more than 63 characters" }
            guard let first = bytes.first, let last = bytes.last else { return nil }
            let isInnerByte = { (byte: UInt8) in Self.isAlphanumeric(byte) || "-_.".utf8.contains(byte) }
            return Self.isAlphanumeric(first) && Self.isAlphanumeric(last) && bytes.allSatisfy(isInnerByte)
                ? nil : "is not made of letters, digits, and '-', '_' and '.' between them"
        }
    }

    private static func isLabel(_ bytes: ArraySlice<UInt8>) -> Bool {
        guard let first = bytes.first, let last = bytes.last else { return false }
        func isEnd(_ byte: UInt8) -> Bool { isLowercase(byte) || 48...57 ~= byte }
        return isEnd(first) && isEnd(last) && bytes.allSatisfy { isEnd($0) || $0 == UInt8(ascii: "-") }
    }

    private static func isLowercase(_ byte: UInt8) -> Bool { UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowercase(byte | 0x20) || 48...57 ~= byte
    }
}
