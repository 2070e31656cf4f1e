// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Words that were probably meant.
package enum Misspelling {
    private static let mostEdits = 2

    /// The word that one gets to with the fewest letters added, left out, replaced or exchanged with their neighbours; nil
    /// if none is near. Of several the first one in the alphabet.
    package static func closest(to word: String, of known: some Sequence<String>) -> String? {
        let near = known.map { (word: $0, edits: edits(from: Array(word), to: Array($0))) }
            .filter { $0.edits <= mostEdits && $0.edits < min(word.count, $0.word.count) }
        return near.min { ($0.edits, $0.word) < ($1.edits, $1.word) }?.word
    }

    private static func edits(from first: [Character], to second: [Character]) -> Int {
        // The last three rows of the table of Damerau and Levenshtein.
        guard abs(first.count - second.count) <= mostEdits, first.count < 100 else { return .max }
        var before: [Int] = []
        var above = Array(0...second.count)
        for (row, letter) in first.enumerated() {
            var current = [row + 1]
            for (column, other) in second.enumerated() {
                var least = min(above[column] + (letter == other ? 0 : 1), above[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, letter == second[column - 1], first[row - 1] == other {
                    least = min(least, before[column - 1] + 1)
                }
                current.append(least)
            }
            (before, above) = (above, current)
        }
        return above[second.count]
    }
}
