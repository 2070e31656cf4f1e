// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import KubeClient
import NIOPosix

extension ControllerOptions {
    /// The cluster to work on, as whom, and how often it may be asked.
    ///
    /// - Parameter environment: `KUBECONFIG`, `HOME`, and what a pod has.
    /// - Throws: `KubeError` of kind `invalidConfiguration`.
    public func clusterConfiguration(environment: [String: String]) async throws -> KubeClientConfiguration {
        var configuration =
            if let kubeconfig {
                try await NIOThreadPool.singleton.runIfActive {
                    try KubeClientConfiguration(
                        Kubeconfig.load(files: [kubeconfig]),
                        context: context,
                        environment: environment
                    )
                }
            } else {
                try await KubeClientConfiguration.automatic(context: context, environment: environment)
            }
        configuration.rateLimit = rateLimit
        configuration.userAgent = "stasis-controller/\(ControllerVersion.current)"
        return configuration
    }
}
