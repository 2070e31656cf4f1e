// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import Synchronization

/// The versions of objects that were written last, so that nothing is decided from an older one in a cache. Unlike with
/// `Expectations`, a write that changes nothing, which no watch tells of, keeps nobody waiting.
final class WrittenVersions: Sendable {
    private struct Version {
        var uid: String?
        var number: UInt64
    }

    private let written = Mutex<[ObjectKey: Version]>([:])

    /// Takes note of an object as the API server has answered with it.
    func note(_ object: some KubeObject) {
        guard let number = object.metadata.resourceVersion.flatMap({ UInt64($0) }) else { return }
        written.withLock { $0[object.key] = Version(uid: object.metadata.uid, number: number) }
    }

    /// Whether an object from a cache is older than what was written. Its watch will tell of the newer one.
    func isBehind(_ object: some KubeObject) -> Bool {
        written.withLock { written in
            guard let version = written[object.key], version.uid == object.metadata.uid,
                let number = object.metadata.resourceVersion.flatMap({ UInt64($0) })
            else { return false }
            return number < version.number
        }
    }

    /// Takes note of an object that goes by what was written, so that whatever a cache still has of it is old.
    func noteEnd(of object: some KubeObject) {
        written.withLock { $0[object.key] = Version(uid: object.metadata.uid, number: .max) }
    }

    /// The object is gone from the cache.
    func forget(_ key: ObjectKey) { written.withLock { _ = $0.removeValue(forKey: key) } }
}
