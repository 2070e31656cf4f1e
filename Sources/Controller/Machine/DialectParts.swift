// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels
import KubeRuntime
import Logging
import Metrics
import SandboxModels

/// What the controllers of a dialect have in common with each other and with those of BatchSandboxes.
struct DialectParts: Sendable {
    let client: KubeClient
    let namespaces: NamespaceScope
    /// Made with `StoreIndex.owner`.
    let pods: Informer<Pod>
    /// Made with `StoreIndex.sandbox`.
    let snapshots: Informer<SandboxSnapshot>
    let providers: SnapshotProviders
    let deletion: ImageDeletion
    let settings: SandboxControllerSettings
    let recorder: EventRecorder
    let metrics: (any MetricsFactory)?
    let logger: Logger
}
