// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import Metrics

/// What an informer measures, by the type of its objects.
struct InformerMetrics: Sendable {
    private let lists: Counter
    private let failures: Counter
    private let malformed: Counter

    init(_ type: ResourceType, factory: any MetricsFactory) {
        let dimensions = [("resource", type.qualifiedPlural)]
        lists = Counter(label: "kube_informer_lists_total", dimensions: dimensions, factory: factory)
        failures = Counter(label: "kube_informer_failures_total", dimensions: dimensions, factory: factory)
        malformed = Counter(label: "kube_informer_malformed_objects_total", dimensions: dimensions, factory: factory)
    }

    /// A list is complete.
    func listed() { lists.increment() }

    /// A list or a watch has failed.
    func failed() { failures.increment() }

    /// A version of an object was seen that is not as its type says.
    func foundMalformed() { malformed.increment() }
}
