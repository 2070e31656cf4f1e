// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension String {
    /// The text without line ends and control characters, and of at most so many characters: somebody else has written it,
    /// and it goes into a log.
    func onOneLine(limit: Int) -> String {
        // Nearly all are names, which need no cleaning.
        if utf8.count <= limit, utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return self }
        let clean = String(
            prefix(limit + 1).map { $0.isNewline || $0.unicodeScalars.contains { $0.value < 32 } ? " " : $0 }
        )
        return clean.count > limit ? clean.prefix(limit) + "..." : clean
    }
}
