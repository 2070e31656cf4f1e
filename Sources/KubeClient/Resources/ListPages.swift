// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// A list, page by page. All pages tell of the same state, which the first one names.
///
/// That state is kept for some minutes only. A page that is asked for too late ends in a `KubeError` of kind `expired`: the
/// list has to begin anew.
public struct ListPages<Object: KubeObject>: AsyncSequence, Sendable {
    let client: ResourceClient<Object>
    let options: ListOptions

    /// Goes through the pages.
    public struct Iterator: AsyncIteratorProtocol {
        let client: ResourceClient<Object>
        var options: ListOptions?

        /// The next page; `nil` after the last one.
        public mutating func next() async throws -> KubeList<Object>? {
            guard var options else { return nil }
            let page = try await client.list(options)
            if let token = page.metadata.continueToken, !token.isEmpty {
                options.continueToken = token
                self.options = options
            } else {
                self.options = nil
            }
            return page
        }
    }

    /// Begins with the first page.
    public func makeAsyncIterator() -> Iterator { Iterator(client: client, options: options) }

    /// All objects, and the state that they are of.
    ///
    /// - Parameter transform: what is done with each object as soon as its page is there, such as to make it smaller.
    public func collect(
        _ transform: (inout Object) -> Void = { _ in }
    ) async throws -> (items: [Object], resourceVersion: String?) {
        var items: [Object] = []
        var version: String?
        for try await page in self {
            let first = items.count
            items += page.items
            for place in first..<items.count { transform(&items[place]) }
            version = page.metadata.resourceVersion
        }
        return (items, version)
    }
}
