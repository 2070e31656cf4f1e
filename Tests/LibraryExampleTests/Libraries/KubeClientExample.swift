// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import Logging

/// Compiled, and not run: it is for whatever cluster is at hand.
func exampleOfKubeClient(logger: Logger) async throws {
    let configuration = try await KubeClientConfiguration.automatic()  // the pod's service account, else the kubeconfig
    try await withKubeClient(configuration, logger: logger) { client in
        let pods = client.resource(Pod.self, in: "team")

        let web = try await pods.get("web")
        try await pods.delete("web", DeleteOptions(uid: web.metadata.uid, propagation: .foreground))

        for try await event in pods.watch(ListOptions(labels: try LabelQuery(parsing: "app in (web, db)"))) {
            print(event)
        }
    }
}
