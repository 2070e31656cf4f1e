// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import KubeClient
import KubeRuntime
import Logging
import PrometheusMetrics

/// The manager with this program's provider: the one place that says which it is.
func makeManager(
    _ client: KubeClient,
    _ options: ControllerOptions,
    _ registry: PrometheusRegistry,
    logger: Logger
) -> ControllerManager {
    let only = options.namespaces.count == 1 ? options.namespaces.first : nil
    let provider = JobSnapshotProvider(
        client,
        in: only.map { .named($0) } ?? .all,
        settings: options.commitJob,
        logger: logger
    )
    return ControllerManager(
        client: client,
        options: options,
        provider: provider,
        providerWork: { look in
            try await provider.run { news in look(ObjectKey(namespace: news.namespace, name: news.sandbox)) }
        },
        registry: registry,
        logger: logger
    )
}
