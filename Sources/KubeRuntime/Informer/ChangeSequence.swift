// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// What happens to the objects of an informer, from now on: first all that are there, as added; then each change, once and in
/// order.
///
/// Each iterator hears everything, at its own pace, and holds nobody back. One that falls far behind hears the changes of one
/// object as one. It ends when its task is cancelled.
public struct ChangeSequence<Object: KubeObject>: AsyncSequence, Sendable {
    /// Listening does not fail.
    public typealias Failure = Never

    let store: Store<Object>

    /// Hears the changes.
    public struct Iterator: AsyncIteratorProtocol {
        /// Listening does not fail.
        public typealias Failure = Never

        /// Ends the listening when nobody has the iterator any more.
        private final class Listener: Sendable {
            let store: Store<Object>
            let id: UInt64

            init(_ store: Store<Object>) {
                self.store = store
                id = store.listen()
            }

            deinit { store.unlisten(id) }
        }

        private let listener: Listener

        init(_ store: Store<Object>) { listener = Listener(store) }

        /// The next change; `nil` when the task is cancelled.
        public mutating func next() async -> Change<Object>? {
            await listener.store.next(listener.id)
        }

        /// The next change; `nil` when the task is cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(Never) -> Change<Object>? {
            await listener.store.next(listener.id)
        }
    }

    /// Begins to listen.
    public func makeAsyncIterator() -> Iterator { Iterator(store) }
}
