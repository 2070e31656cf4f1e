// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import ClusterRuntime
import KubeModels

extension ClusterRuntime: SandboxRuntime {}

extension ClusterRuntimeConfiguration {
    /// What `[kubernetes]` and the tables beside it say.
    ///
    /// - Parameters:
    ///   - namespace: Where the sandboxes live.
    ///   - template: What every sandbox's object begins as.
    init(_ kubernetes: ServerConfiguration.Kubernetes, namespace: String, template: KubeModels.JSONValue) {
        self.init(namespace: namespace, execdImage: kubernetes.execdImage)
        self.template = template
        imagePullPolicy = kubernetes.imagePullPolicy?.rawValue
        serviceAccount = kubernetes.serviceAccount
        runtimeClass = kubernetes.runtimeClass
        execdRunsAsInit = kubernetes.execdRunsAsInit
        execdResources = kubernetes.execdInitResources.requirements
        createTimeout = kubernetes.createTimeout
        poolTimeout = kubernetes.poolAcquisitionTimeout
        expiresWhilePaused = kubernetes.expiresWhilePaused
        snapshotPullSecret = kubernetes.snapshotPullSecret
        allowedHostPaths = kubernetes.allowedHostPaths
        defaultVolumeSize = kubernetes.volumeDefaultSize
        egress = kubernetes.egress.map { egress in
            var made = Egress(image: egress.image)
            made.mode = egress.mode.rawValue
            made.disablesIPv6 = egress.disablesIPv6
            made.resources = egress.resources.requirements
            made.telemetryEndpoint = egress.telemetryEndpoint
            return made
        }
    }
}

extension ServerConfiguration.Resources {
    /// The same as containers say it; nil if there is nothing. What is no quantity was refused when it was read.
    fileprivate var requirements: ResourceRequirements? {
        guard !isEmpty else { return nil }
        return .with {
            $0.limits = limits.compactMapValues { Quantity($0) }
            $0.requests = requests.compactMapValues { Quantity($0) }
        }
    }
}
