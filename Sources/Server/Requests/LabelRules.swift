// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes

/// What metadata may be: Kubernetes' rules for labels, on every runtime, so that a sandbox can move between them.
enum LabelRules {
    /// Keys of this prefix belong to the system.
    static let reservedPrefix = "opensandbox.io/"

    /// Checks all metadata of a request.
    ///
    /// - Throws: ``APIError`` (400, `SANDBOX::INVALID_METADATA_LABEL`) for the first key, in alphabetical order, that breaks
    ///   a rule.
    static func check(_ metadata: [String: String]) throws(APIError) {
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            if key.hasPrefix(reservedPrefix) {
                throw refusal(
                    "The metadata key '\(key)' has the prefix '\(reservedPrefix)', which is the system's own."
                )
            }
            guard isKey(key) else {
                throw refusal(
                    """
                    The metadata key '\(key)' is no label key: a name of up to 63 letters, digits, '-', '_' and '.', that \
                    begins and ends with a letter or digit, after an optional DNS name and '/'.
                    """
                )
            }
            guard isValue(value) else {
                throw refusal(
                    """
                    The value '\(value)' of the metadata key '\(key)' is no label value: up to 63 letters, digits, '-', \
                    '_' and '.', that begin and end with a letter or digit, or nothing.
                    """
                )
            }
        }
    }

    static func isKey(_ key: String) -> Bool {
        let parts = key.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.last, !name.isEmpty, isValue(String(name)) else { return false }
        return parts.count == 1 || isDomainName(parts[0])
    }

    static func isValue(_ value: String) -> Bool {
        let bytes = Array(value.utf8)
        guard let first = bytes.first, let last = bytes.last else { return true }
        return bytes.count <= 63 && isAlphanumeric(first) && isAlphanumeric(last)
            && bytes.allSatisfy {
                isAlphanumeric($0) || [UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ".")].contains($0)
            }
    }

    private static func isDomainName(_ name: Substring) -> Bool {
        guard (1...253).contains(name.utf8.count) else { return false }
        return name.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            let bytes = Array(label.utf8)
            guard let first = bytes.first, let last = bytes.last else { return false }
            return isLowercase(first) && isLowercase(last)
                && bytes.allSatisfy { isLowercase($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isLowercase(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isLowercase(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func refusal(_ message: String) -> APIError {
        APIError(.badRequest, "SANDBOX::INVALID_METADATA_LABEL", message)
    }
}
