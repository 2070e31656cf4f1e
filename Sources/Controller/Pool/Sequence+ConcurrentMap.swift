// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The same for many things, a bounded number of them at a time.
extension Sequence where Self: Sendable, Element: Sendable {
    /// What becomes of each, in no order: one that fails keeps no other one from being done.
    func concurrentMap<Result: Sendable>(
        width: Int,
        _ body: @escaping @Sendable (Element) async throws -> Result
    ) async -> [Swift.Result<Result, any Error>] {
        await withTaskGroup(of: Swift.Result<Result, any Error>.self) { group in
            var rest = makeIterator()
            var results: [Swift.Result<Result, any Error>] = []
            for _ in 0..<width {
                guard let element = rest.next() else { break }
                group.addTask { await attempt(element, body) }
            }
            for await result in group {
                results.append(result)
                if let element = rest.next() { group.addTask { await attempt(element, body) } }
            }
            return results
        }
    }

    private func attempt<Result>(
        _ element: Element,
        _ body: @Sendable (Element) async throws -> Result
    ) async -> Swift.Result<Result, any Error> {
        do {
            return .success(try await body(element))
        } catch {
            return .failure(error)
        }
    }
}
