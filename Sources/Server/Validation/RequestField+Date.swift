// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import struct Foundation.Date

extension RequestField {
    /// A date and time, as RFC 3339 writes it.
    func date(_ presence: Presence, _ issues: inout [ValidationIssue]) -> Date? {
        if presence != .required, isBlank { return nil }
        switch value {
        case nil:
            issues.append(ValidationIssue("missing", at: location, "Field required"))
        case .string(let text)?:
            if let date = Date(rfc3339: text.trimmed) { return date }
            issues.append(
                ValidationIssue(
                    "datetime_parsing",
                    at: location,
                    "Input should be a valid datetime, such as \(Self.example)"
                )
            )
        case .null?, .bool?, .integer?, .number?, .array?, .object?:
            issues.append(ValidationIssue("datetime_type", at: location, "Input should be a valid datetime"))
        }
        return nil
    }

    private static let example = "2026-01-31T12:00:00Z"
}
