// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Testing

@testable import KubeRuntime

@Suite
struct StoreContentsTests {
    private let color = StoreIndex<ConfigMap>("color") { $0.metadata.labels["color"].map { [$0] } ?? [] }

    @Test func eventsBecomeChangesOnce() {
        var contents = StoreContents<ConfigMap>(indexes: [])
        #expect(contents.apply(.added(map("a", 1))) == [.added(map("a", 1), isInitial: false)])
        #expect(contents.apply(.added(map("a", 1))) == [])
        #expect(contents.apply(.modified(map("a", 2))) == [.updated(old: map("a", 1), new: map("a", 2))])
        // As a watch tells it that has begun anew.
        #expect(contents.apply(.added(map("a", 2))) == [])
        #expect(contents.apply(.modified(map("b", 3))) == [.added(map("b", 3), isInitial: false)])
        #expect(contents.apply(.bookmark(resourceVersion: "9")) == [])
        #expect(contents.apply(.deleted(map("a", 4))) == [.deleted(map("a", 4), isFinalStateKnown: true)])
        #expect(contents.apply(.deleted(map("a", 4))) == [])
        #expect(contents.objects.keys.map(\.name) == ["b"])
    }

    @Test func anotherObjectOfTheSameNameIsNotAnUpdate() {
        var contents = StoreContents<ConfigMap>(indexes: [])
        _ = contents.apply(.added(map("a", 1, uid: "one")))
        let second = map("a", 5, uid: "two")
        let expected: [Change<ConfigMap>] = [
            .deleted(map("a", 1, uid: "one"), isFinalStateKnown: false), .added(second, isInitial: false),
        ]
        var listed = contents
        #expect(contents.apply(.modified(second)) == expected)
        #expect(listed.replace(with: [second], isInitial: false) == expected)
        // The second one went unseen, too: what is told is that ours is gone.
        var other = StoreContents<ConfigMap>(indexes: [])
        _ = other.apply(.added(map("a", 1, uid: "one")))
        #expect(other.apply(.deleted(second)) == [.deleted(map("a", 1, uid: "one"), isFinalStateKnown: false)])
    }

    @Test func aListTellsOnlyTheDifference() {
        var contents = StoreContents<ConfigMap>(indexes: [])
        let first = contents.replace(with: [map("a", 1), map("b", 2), map("c", 3)], isInitial: true)
        #expect(first == [map("a", 1), map("b", 2), map("c", 3)].map { .added($0, isInitial: true) })
        let second = contents.replace(with: [map("b", 2), map("c", 7), map("d", 8)], isInitial: false)
        #expect(
            second == [
                .deleted(map("a", 1), isFinalStateKnown: false), .updated(old: map("c", 3), new: map("c", 7)),
                .added(map("d", 8), isInitial: false),
            ]
        )
        #expect(contents.replace(with: [map("d", 8), map("b", 2), map("c", 7)], isInitial: false) == [])
    }

    @Test func indexesFollowTheObjects() {
        var contents = StoreContents<ConfigMap>(indexes: [color, .namespace])
        _ = contents.replace(
            with: [map("a", 1, labels: ["color": "red"]), map("b", 2, labels: ["color": "red"]), map("c", 3)],
            isInitial: true
        )
        #expect(contents.objects("color", "red")?.map(\.metadata.name) == ["a", "b"])
        #expect(contents.objects("namespace", "team")?.count == 3)
        _ = contents.apply(.modified(map("a", 4, labels: ["color": "blue"])))
        _ = contents.apply(.deleted(map("b", 5)))
        #expect(contents.objects("color", "red") == [])
        #expect(contents.objects("color", "blue")?.map(\.metadata.name) == ["a"])
        #expect(contents.objects("size", "1") == nil)
    }

    private func malformed(_ name: String, _ version: Int, uid: String? = nil) -> MalformedObject {
        var object = DynamicObject()
        object.metadata = map(name, version, uid: uid).metadata
        return MalformedObject(object: object, error: JSONError("is wrong"))
    }

    /// What cannot be read is not gone: who hears of changes hears nothing, until it really goes or can be read again.
    @Test func whatCannotBeReadStaysAsItWas() {
        var contents = StoreContents<ConfigMap>(indexes: [color])
        _ = contents.replace(with: [map("a", 1), map("b", 1)], keepingOut: [malformed("c", 1)], isInitial: true)
        #expect(contents.objects.count == 2 && contents.malformed.count == 1)
        #expect(contents.keepOut(malformed("a", 2)) == [])
        #expect(contents.objects[map("a", 1).key] == map("a", 1) && contents.malformed.count == 2)
        // Also when everything is listed again.
        #expect(
            contents.replace(
                with: [map("b", 1)],
                keepingOut: [malformed("a", 2), malformed("c", 1)],
                isInitial: false
            ) == []
        )
        #expect(contents.apply(.modified(map("a", 3))) == [.updated(old: map("a", 1), new: map("a", 3))])
        #expect(contents.apply(.modified(map("c", 4))) == [.added(map("c", 4), isInitial: false)])
        #expect(contents.malformed.isEmpty)
        _ = contents.keepOut(malformed("b", 5))
        #expect(contents.remove(malformed("b", 6)) == [.deleted(map("b", 1), isFinalStateKnown: false)])
        _ = contents.keepOut(malformed("d", 7))
        #expect(contents.remove(malformed("d", 8)) == [] && contents.malformed.isEmpty)
        _ = contents.keepOut(malformed("d", 9))
        #expect(contents.apply(.deleted(map("d", 10))) == [] && contents.malformed.isEmpty)
    }

    @Test func anotherOneOfTheSameNameThatCannotBeReadMeansADeletion() {
        var contents = StoreContents<ConfigMap>(indexes: [])
        _ = contents.apply(.added(map("a", 1, uid: "one")))
        var listed = contents
        let expected: [Change<ConfigMap>] = [.deleted(map("a", 1, uid: "one"), isFinalStateKnown: false)]
        #expect(contents.keepOut(malformed("a", 2, uid: "two")) == expected)
        #expect(listed.replace(with: [], keepingOut: [malformed("a", 2, uid: "two")], isInitial: false) == expected)
        #expect(contents.objects.isEmpty && contents.malformed.count == 1)
    }

    @Test func eachVersionOfWhatCannotBeReadIsNewsOnce() {
        var contents = StoreContents<ConfigMap>(indexes: [])
        #expect(contents.isNews(malformed("a", 1)))
        _ = contents.keepOut(malformed("a", 1))
        #expect(!contents.isNews(malformed("a", 1)) && contents.isNews(malformed("a", 2)))
        #expect(contents.isNews(malformed("a", 1, uid: "other")))
        _ = contents.replace(with: [], keepingOut: [malformed("a", 1)], isInitial: false)
        #expect(!contents.isNews(malformed("a", 1)))
        _ = contents.apply(.modified(map("a", 2)))
        #expect(contents.isNews(malformed("a", 1)))
    }
}
