// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// How much there is room for in the annotations of a sandbox, where all stands that has to be known of it after a crash.
enum AnnotationRoom {
    /// What the API server takes: the bytes of all keys and values of an object together.
    static let limit = 256 << 10

    /// For what has no number of its own, such as a template's digest, or a replica that differs from those beside it.
    private static let reserve = 16 << 10
    /// What is written down of one of many replicas: when it came where it is.
    private static let record = 22
    /// Its address.
    private static let address = 18

    /// The longest name of a pool's pod, and what stands around it.
    private static let allocation = 63 + 9

    /// The annotations that grow with the replicas.
    private static let growing: Set<String> = [
        OpenSandbox.Annotation.record, OpenSandbox.Annotation.endpoints, OpenSandbox.Annotation.allocStatus,
        OpenSandbox.Annotation.allocRelease, OpenSandbox.Annotation.allocReleased,
    ]

    /// The bytes of annotations, as the API server counts them.
    static func size(_ annotations: [String: String]) -> Int {
        annotations.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    }

    /// Whether it may be that a sandbox has no room for its replicas. Hardly ever it may, and every look at a pool asks for each of its
    /// sandboxes.
    static func mayBeTight(for sandbox: BatchSandbox) -> Bool {
        let (needed, isMore) = sandbox.spec.replicas.multipliedReportingOverflow(by: record + address + allocation)
        return isMore || needed > limit - reserve - size(sandbox.metadata.annotations)
    }

    /// How many replicas a sandbox may have.
    static func replicas(of sandbox: BatchSandbox) -> Int {
        let others = size(sandbox.metadata.annotations.filter { !growing.contains($0.key) })
        // The name of a pool's pod is the pool's and five characters more.
        let allocation = sandbox.isPooled ? (sandbox.spec.poolRef ?? "").utf8.count + 9 : 0
        return max(0, limit - reserve - others) / (record + address + allocation)
    }

    /// Whether a change of a sandbox would give it more annotations than it may have.
    static func isExceeded(by change: MergePatch, of sandbox: BatchSandbox) -> Bool {
        var annotations = sandbox.metadata.annotations
        for (key, value) in change.document["metadata"]?["annotations"]?.object ?? [:] {
            annotations[key] = value.string
        }
        return size(annotations) > limit
    }
}

extension BatchSandbox {
    /// Whether it wants more replicas than could be written down.
    var isTooLarge: Bool {
        AnnotationRoom.mayBeTight(for: self) && spec.replicas > AnnotationRoom.replicas(of: self)
    }
}
