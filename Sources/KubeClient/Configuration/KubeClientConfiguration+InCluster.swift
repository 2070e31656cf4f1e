// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import Foundation

extension KubeClientConfiguration {
    /// Where a pod finds its service account.
    static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"

    /// The cluster that this program runs in, as its pod's service account. The token is read again every minute.
    ///
    /// Blocks while it reads.
    ///
    /// - Throws: `KubeError` of kind `invalidConfiguration` if this is no pod, or has no service account.
    public static func inCluster(
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(KubeError) -> KubeClientConfiguration {
        try inCluster(environment: environment, folder: serviceAccountFolder)
    }

    static func inCluster(
        environment: [String: String],
        folder: String
    ) throws(KubeError) -> KubeClientConfiguration {
        guard let host = environment["KUBERNETES_SERVICE_HOST"], !host.isEmpty,
            let port = environment["KUBERNETES_SERVICE_PORT"], !port.isEmpty
        else {
            throw KubeError(
                .invalidConfiguration,
                operation: "find",
                subject: "the cluster that this runs in",
                reason: "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod",
                advice: "use a kubeconfig"
            )
        }
        // What is needed is looked for now, when it can still be said well.
        _ = try ConfigurationFile(path: "\(folder)/token").read()
        let namespace = try ConfigurationFile(path: "\(folder)/namespace").readIfThere() ?? []
        let authorities = PEMSource.bytes(try ConfigurationFile(path: "\(folder)/ca.crt").read())
        var configuration = KubeClientConfiguration(
            server: try ServerEndpoint(
                "https://\(host.contains(":") ? "[\(host)]" : host):\(port)",
                verification: .authorities(authorities)
            ),
            credentials: KubeCredentials(token: .file("\(folder)/token"))
        )
        let name = String(decoding: namespace, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        if !name.isEmpty { configuration.namespace = name }
        return configuration
    }
}
