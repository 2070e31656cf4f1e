// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation

extension Date {
    /// Reads a moment as images write it, RFC 3339 with any number of digits after the second.
    init?(timestamp: String) {
        var text = timestamp
        if let dot = text.firstIndex(of: ".") {
            let end = text[text.index(after: dot)...].firstIndex { !$0.isNumber } ?? text.endIndex
            text.removeSubrange(dot..<end)
        }
        guard let date = try? Date(text, strategy: .iso8601) else { return nil }
        self = date
    }

    /// As it is written for people and programs, to the second.
    var timestamp: String { formatted(.iso8601) }
}
