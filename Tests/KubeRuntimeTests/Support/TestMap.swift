// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// An object as a server would tell it.
func map(_ name: String, _ version: Int, uid: String? = nil, labels: [String: String] = [:]) -> ConfigMap {
    .with {
        $0.metadata.name = name
        $0.metadata.namespace = "team"
        $0.metadata.uid = uid ?? "uid-\(name)"
        $0.metadata.resourceVersion = String(version)
        $0.metadata.labels = labels
    }
}
