// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The same for many things, few at first and twice as many after each time: what fails for all fails for few.
extension Array where Element: Sendable {
    /// Does something for each, as many at a time as there are in a batch, and ends after a batch in which something failed.
    ///
    /// - Parameter first: How many the first batch has.
    /// - Returns: What failed first.
    func slowStart(
        _ first: Int,
        _ body: @escaping @Sendable (Element) async throws -> Void
    ) async -> (any Error)? {
        var size = first
        var rest = self[...]
        while !rest.isEmpty {
            let batch = rest.prefix(size)
            rest = rest.dropFirst(size)
            for case .failure(let error) in await Array(batch).concurrentMap(width: size, body) { return error }
            size *= 2
        }
        return nil
    }
}
