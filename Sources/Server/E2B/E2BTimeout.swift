// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

import struct Foundation.Date

/// Seconds that a request of the E2B API gives a sandbox.
enum E2BTimeout {
    /// What a request gets that says nothing, or 0 where that would be the end.
    static let usual = 300

    /// Reads a timeout.
    ///
    /// - Parameters:
    ///   - field: What was sent.
    ///   - least: The shortest that may be asked for.
    ///   - longest: The longest that may be asked for.
    /// - Returns: Nil if nothing was sent, or null.
    /// - Throws: ``E2BError`` (400) for anything but a whole number within the bounds.
    static func read(_ field: RequestField, _ name: String, from least: Int, to longest: Int) throws(E2BError) -> Int? {
        let number: Int
        switch field.value {
        case nil, .null?: return nil
        case .integer(let integer)?: number = integer
        case .number(let double)?:
            guard double == double.rounded(), let integer = Int(exactly: double) else {
                throw wrong(name, least, longest)
            }
            number = integer
        default: throw wrong(name, least, longest)
        }
        guard (least...max(least, longest)).contains(number) else { throw wrong(name, least, longest) }
        return number
    }

    private static func wrong(_ name: String, _ least: Int, _ longest: Int) -> E2BError {
        .bad("\(name) must be a whole number of seconds from \(least) to \(longest).")
    }
}

extension Date {
    /// So many seconds later.
    func later(bySeconds seconds: Int) -> Date { addingTimeInterval(Double(seconds)) }
}
