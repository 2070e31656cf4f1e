// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// The iterator of a stream in the hands of another stream, which asks it for one element after the other.
package actor LockedIterator<Element: Sendable> {
    private var iterator: AsyncStream<Element>.Iterator

    /// Takes it.
    package init(_ iterator: sending AsyncStream<Element>.Iterator) {
        self.iterator = iterator
    }

    /// The next element.
    package func next() async -> Element? {
        var iterator = iterator
        let element = await iterator.next(isolation: self)
        self.iterator = iterator
        return element
    }
}
