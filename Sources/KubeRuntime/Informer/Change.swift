// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeModels

/// A difference between two states of a store.
///
/// It is kept in one place and handed on by reference: objects are large.
public indirect enum Change<Object: KubeObject>: Sendable, Hashable {
    /// It is there now. It is initial if it was there when whoever hears of it began to listen.
    case added(Object, isInitial: Bool)
    /// It is another state of the same object.
    case updated(old: Object, new: Object)
    /// It is gone. Unless the final state is known, nobody saw it go: this is the last state that was seen.
    case deleted(Object, isFinalStateKnown: Bool)

    /// Its newest state that is known.
    public var object: Object {
        switch self {
        case .added(let object, _), .updated(_, let object), .deleted(let object, _): object
        }
    }

    /// What tells it from others.
    public var key: ObjectKey { object.key }
}
