// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension String {
    /// What somebody else has said, fit for a log or a terminal: on one line, without control characters, at most
    /// `limit` characters.
    func onOneLine(limit: Int) -> String {
        let line = unicodeScalars.prefix(limit).map { $0.properties.generalCategory == .control ? " " : $0 }
        let text = String(String.UnicodeScalarView(line))
        return String(text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
    }
}
