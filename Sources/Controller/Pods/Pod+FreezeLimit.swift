// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels

/// How long a container survives being frozen.
///
/// A frozen container answers no probe. When its liveness probe has failed as often as it may, the kubelet kills the container, and
/// with it all that it has written.
struct FreezeLimit: Hashable {
    /// The container's name.
    var container: String
    /// Whole seconds, 0 if it does not survive a single probe.
    var seconds: Int
}

extension Pod {
    /// That of the container that survives for the shortest time; nil if nobody probes any.
    var freezeLimit: FreezeLimit? {
        spec.containers
            .compactMap { container in
                probes(of: container).map(\.frozenSeconds).min()
                    .map { FreezeLimit(container: container.name, seconds: $0) }
            }
            .min { $0.seconds < $1.seconds }
    }

    /// Those that kill. A startup probe does so until it has passed once.
    private func probes(of container: Container) -> [Probe] {
        let status = status?.containerStatuses.first { $0.name == container.name }
        return [container.livenessProbe, status?.started == false ? container.startupProbe : nil].compactMap(\.self)
    }
}

extension Probe {
    /// For how long what it probes may be frozen.
    ///
    /// The first probe to fail may have been begun just before the freeze, and the last one fails when it has waited for
    /// `timeoutSeconds`, at least one second, which is left for the thaw. How it probes does not matter: the kernel takes TCP
    /// connections for a frozen server, but only until the server's queue is full.
    fileprivate var frozenSeconds: Int {
        max(0, (failureThreshold ?? 3) - 1) * max(1, periodSeconds ?? 10)
    }
}
