// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Testing

@testable import KubeRuntime

struct StoreTests {
    /// Whoever listens hears what there is, then what changes, in its order; nobody hears what was before.
    @Test(.timeLimit(.minutes(1)))
    func eachListenerHearsEverythingInItsOrder() async {
        let store = Store<ConfigMap>(indexes: [], backlogLimit: 100)
        store.monitor.change { $0.tell($0.contents.replace(with: [map("b", 1), map("a", 2)], isInitial: true)) }
        let (first, second) = (store.listen(), store.listen())
        store.monitor.change { $0.tell($0.contents.replace(with: [map("b", 3), map("c", 4)], isInitial: false)) }
        store.monitor.change { $0.tell($0.contents.apply(.deleted(map("c", 5)))) }
        let expected: [Change<ConfigMap>] = [
            .added(map("a", 2), isInitial: true), .added(map("b", 1), isInitial: true),
            .deleted(map("a", 2), isFinalStateKnown: false), .updated(old: map("b", 1), new: map("b", 3)),
            .added(map("c", 4), isInitial: false), .deleted(map("c", 5), isFinalStateKnown: true),
        ]
        for listener in [first, second] {
            for change in expected { #expect(await store.next(listener) == change) }
        }
        store.unlisten(first)
        #expect(store.monitor.read { $0.backlogs.count } == 1)
    }
}
