// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import KubeRuntime
import SandboxModels

/// What is known of the pod at a place of a sandbox.
enum PodPlace: Hashable, Sendable {
    /// There is none yet, or it is gone that was made for the place.
    case vacant
    /// One that was made for the place.
    case own(Pod)
    /// One that its pool has allocated.
    case pooled(Pod)
    /// One of this name was allocated, and none that is a pool's is known.
    case missing(String)
    /// One of this name was allocated, and given back.
    case givenBack(String)
    /// What was allocated cannot be read.
    case unreadable(PodAllocationError)

    /// The pod, if it is there.
    var pod: Pod? {
        switch self {
        case .own(let pod), .pooled(let pod): pod
        case .vacant, .missing, .givenBack, .unreadable: nil
        }
    }

    /// Whether its owner has given the pod back.
    var isGivenBack: Bool { if case .givenBack = self { true } else { false } }
}

/// An annotation that says which pods are allocated cannot be read. Nothing is concluded from it: pods that are taken would look
/// free.
struct PodAllocationError: Error, Hashable, CustomStringConvertible {
    let annotation: String
    let cause: JSONError

    var description: String {
        "the annotation \(annotation) cannot be read (\(cause)). Put back what was there, a list of pods as in "
            + "{\"pods\":[\"a\",\"b\"]}"
    }
}

/// The places of one sandbox as they are at one moment.
///
/// A pod that was made for a place goes before the one that a pool has allocated for it: the first is made when the second is no
/// more.
struct PodPlaces: Sendable {
    private var places: [PodPlace] = []

    /// Looks at the first places.
    ///
    /// - Parameters:
    ///   - count: How many.
    ///   - find: The pod of a name in the sandbox's namespace.
    init(of sandbox: BatchSandbox, count: Int, find: (String) -> Pod?) {
        guard count > 0 else { return }
        let allocated = Self.allocated(to: sandbox)
        places = (0..<count).map { Self.place($0, of: sandbox, allocated, find) }
    }

    /// Looks at the first places in a cache.
    init(of sandbox: BatchSandbox, count: Int, in store: Store<Pod>) {
        self.init(of: sandbox, count: count) { store[sandbox.metadata.namespace, $0] }
    }

    /// Looks at one place in a cache, and at no other: whoever looks at all should do so once.
    static func place(_ index: Int, of sandbox: BatchSandbox, in store: Store<Pod>) -> PodPlace {
        place(index, of: sandbox, allocated(to: sandbox)) { store[sandbox.metadata.namespace, $0] }
    }

    /// How many places were looked at.
    var count: Int { places.count }

    /// A place.
    subscript(index: Int) -> PodPlace { places.indices.contains(index) ? places[index] : .vacant }

    /// The same without pods of which it is known that they are gone, although a cache still has them.
    func without(_ isGone: (Pod) -> Bool) -> PodPlaces {
        var changed = self
        changed.places = places.map { place in
            switch place {
            case .own(let pod) where isGone(pod): .vacant
            case .pooled(let pod) where isGone(pod): .missing(pod.metadata.name)
            case .own, .pooled, .vacant, .missing, .givenBack, .unreadable: place
            }
        }
        return changed
    }

    /// What cannot be read, if something cannot.
    var trouble: PodAllocationError? {
        for case .unreadable(let error) in places { return error }
        return nil
    }

    private static func place(
        _ index: Int,
        of sandbox: BatchSandbox,
        _ allocated: Result<Allocated, PodAllocationError>,
        _ find: (String) -> Pod?
    ) -> PodPlace {
        if let pod = find(sandbox.podName(index)), pod.isControlled(by: sandbox) { return .own(pod) }
        switch allocated {
        case .failure(let error): return .unreadable(error)
        case .success(let allocated):
            guard allocated.names.indices.contains(index) else { return .vacant }
            let name = allocated.names[index]
            if allocated.back.contains(name) { return .givenBack(name) }
            guard let pod = find(name), pod.isOfPool else { return .missing(name) }
            return .pooled(pod)
        }
    }

    /// What its pool has given to a sandbox.
    private struct Allocated {
        var names: [String] = []
        var back: Set<String> = []
    }

    private static func allocated(to sandbox: BatchSandbox) -> Result<Allocated, PodAllocationError> {
        Result { () throws(PodAllocationError) in
            guard sandbox.isPooled else { return Allocated() }
            return Allocated(
                names: try sandbox.pods(in: OpenSandbox.Annotation.allocStatus),
                back: try sandbox.podsGivenBack()
            )
        }
    }
}

extension BatchSandbox {
    /// Whether its pods are its own, and not a pool's.
    var isIndependent: Bool { spec.poolRef?.isEmpty ?? true }

    /// Whether its pods are those of a pool that is known.
    var isPooled: Bool { !isIndependent && spec.poolRef != "*" }

    /// The pods that an annotation names.
    fileprivate func pods(in annotation: String) throws(PodAllocationError) -> [String] {
        do {
            return try allocation(annotation).pods
        } catch {
            throw PodAllocationError(annotation: annotation, cause: error)
        }
    }

    fileprivate func podsGivenBack() throws(PodAllocationError) -> Set<String> {
        Set(try pods(in: OpenSandbox.Annotation.allocRelease) + pods(in: OpenSandbox.Annotation.allocReleased))
    }

    /// The pods of pools that it has: allocated and not given back.
    ///
    /// - Throws: `PodAllocationError`.
    func heldPods() throws(PodAllocationError) -> [String] {
        let back = try podsGivenBack()
        return try pods(in: OpenSandbox.Annotation.allocStatus).filter { !back.contains($0) }
    }
}

extension Pod {
    /// Whether a pool has made it.
    var isOfPool: Bool { controller(Pool.self) != nil }

    /// Whether it was made for this very sandbox.
    func isControlled(by sandbox: some KubeResource) -> Bool {
        metadata.ownerReferences.contains { $0.controller == true && $0.uid == sandbox.metadata.uid }
    }
}
