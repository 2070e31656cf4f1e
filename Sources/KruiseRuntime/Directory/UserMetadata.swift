// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What of the annotations and labels of an object are its owner's own, and told back.
enum UserMetadata {
    /// What keys begin with that are not the owner's.
    private static let reserved = Kruise.reservedPrefixes + ["sandbox.agents.kruise.io/", "stasis.dev/"]
    /// Where keys are that others write into every object.
    private static let ofKubernetes = ["kubernetes.io", "k8s.io"]

    /// Tells where the object is, with the metadata.
    static let resourceKey = CreationParameters.prefix + "sandbox-resource"
    /// Tells the address of the sandbox, with the metadata of those that asked for it.
    static let addressKey = CreationParameters.prefix + "sandbox-ip"

    /// Whether owners may not use a key.
    static func isReserved(_ key: String) -> Bool {
        reserved.contains { key.hasPrefix($0) } || isOfKubernetes(key)
    }

    /// What an object's owner has said.
    static func of(_ metadata: ObjectMeta) -> [String: String] {
        var found = metadata.annotations.filter { !isReserved($0.key) }
        found.merge(metadata.labels.filter { !isReserved($0.key) }) { annotation, _ in annotation }
        return found
    }

    private static func isOfKubernetes(_ key: String) -> Bool {
        guard let slash = key.firstIndex(of: "/") else { return false }
        let domain = key[..<slash]
        return ofKubernetes.contains { domain == $0 || domain.hasSuffix("." + $0) }
    }
}
