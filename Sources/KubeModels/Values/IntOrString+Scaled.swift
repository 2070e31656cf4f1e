// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension IntOrString {
    /// The number that this is of a whole: itself, or so many percent of it, rounded up.
    ///
    /// - Returns: Nil for a string that is no percentage such as `25%`, and for what is negative.
    public func scaled(of whole: Int) -> Int? {
        switch self {
        case .int(let value): return value >= 0 ? value : nil
        case .string(let text):
            guard text.last == "%", text.utf8.dropLast().allSatisfy({ 48...57 ~= $0 }),
                let percent = Int(text.dropLast())
            else { return nil }
            let (product, overflow) = percent.multipliedReportingOverflow(by: max(0, whole))
            return overflow ? nil : (product + 99) / 100
        }
    }
}
