// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date

/// The object that a sandbox is to become. Pure: what it takes of the cluster is given.
struct SandboxManifest {
    /// What was asked for.
    var spec: SandboxSpec
    /// The identity.
    var id: String
    /// When it expires, if ever.
    var expiresAt: Date?
    /// Its time to live in seconds, if it has one.
    var timeout: Int?
    /// The image to start from, by digest if it is a snapshot's.
    var image: String
    /// Secrets to pull images with.
    var pullSecrets: [String] = []
    /// The token that connections to it have to know, if it has secure access.
    var accessToken: String?
    /// The token of its egress sidecar, if it has one.
    var egressToken: String?
    /// Until when somebody waits for it, if it never expires.
    var createdUntil: Date?

    /// The object.
    ///
    /// - Throws: `SandboxError` with `invalidParameter`.
    func object(_ configuration: ClusterRuntimeConfiguration) throws(SandboxError) -> BatchSandbox {
        var object = BatchSandbox()
        object.metadata.name = id
        object.metadata.namespace = configuration.namespace
        object.metadata.labels = labels
        object.metadata.annotations = annotations
        object.metadata.annotations[OpenSandbox.Annotation.request] = request.jsonText
        object.metadata.annotations[OpenSandbox.Annotation.wish] = RequestedWish.annotation(pause: false)
        if expiresAt != nil, !configuration.expiresWhilePaused {
            object.metadata.annotations[OpenSandbox.Annotation.expiresWhilePaused] = "false"
        }
        if let createdUntil {
            object.metadata.annotations[OpenSandbox.Annotation.createdUntil] = MicroTime(createdUntil).description
        }
        object.spec.expireTime = expiresAt.map { SpelledTime($0) }
        if let pool = spec.options?.pool {
            object.spec.poolRef = pool
            object.spec.taskTemplate = RawJSON(task(configuration))
            return object
        }
        object.spec.template = RawJSON(try template(configuration))
        do {
            let document = SandboxTemplate.merged(try JSONValue(encoding: object), over: configuration.template)
            return try document.decoded()
        } catch {
            throw SandboxError(
                .runtimeUnavailable,
                "The server's batchsandbox_template_file does not make a sandbox: \(error)",
                cause: error
            )
        }
    }

    // MARK: What is written on it

    private var labels: [String: String] {
        var labels = spec.metadata
        labels[OpenSandbox.Label.sandboxID] = id
        if expiresAt == nil { labels[OpenSandbox.Label.manualCleanup] = "true" }
        labels[OpenSandbox.Label.snapshotID] = spec.snapshotID
        return labels
    }

    private var annotations: [String: String] {
        var annotations: [String: String] = [:]
        annotations[OpenSandbox.Annotation.secureAccessToken] = accessToken
        annotations[OpenSandbox.Annotation.egressAuthToken] = egressToken
        if spec.options?.chosenID != nil {
            annotations[OpenSandbox.Annotation.requestKey] = spec.options?.requestKey
        }
        annotations[OpenSandbox.Annotation.accessRenewExtendSeconds] = spec.extensions[SandboxExtension.renewOnAccess]
        for (name, value) in spec.extensions where name.hasPrefix(Self.openExtensions) {
            annotations[OpenSandbox.Annotation.extensionPrefix + name.dropFirst(Self.openExtensions.count)] = value
        }
        return annotations
    }

    private static let openExtensions = "opensandbox.extensions."

    private var request: SandboxRequest {
        .with {
            $0.image = spec.snapshotID == nil && !spec.image.isEmpty ? spec.image : nil
            $0.entrypoint = spec.entrypoint
            $0.extensions = spec.extensions
            $0.platform = spec.platform
            $0.timeout = timeout
        }
    }

    // MARK: Its pod

    private func template(_ configuration: ClusterRuntimeConfiguration) throws(SandboxError) -> PodTemplateSpec {
        var template = PodTemplateSpec()
        template.metadata = .with {
            $0.labels = labels
            $0.annotations = annotations
        }
        var container = try sandboxContainer(configuration)
        var pod = PodSpec()
        pod.volumes = [
            .with {
                $0.name = Execd.volume
                $0.emptyDir = EmptyDirVolumeSource()
            }
        ]
        let volumes = try PodVolumes(spec.volumes, allowedHostPaths: configuration.allowedHostPaths)
        pod.volumes += volumes.volumes
        container.volumeMounts += volumes.mounts
        pod.containers = [container]
        if let policy = spec.options?.networkPolicy {
            guard let egress = configuration.egress else {
                throw SandboxError(
                    .invalidParameter,
                    "networkPolicy needs an egress sidecar, for which this server has no image (egress.image)."
                )
            }
            pod.containers[0].securityContext = .with { $0.capabilities = .with { $0.drop = ["NET_ADMIN"] } }
            pod.containers.append(
                EgressSidecar.container(
                    egress,
                    policy,
                    id: id,
                    hasCredentialProxy: spec.options?.credentialProxy == true,
                    token: egressToken ?? ""
                )
            )
        }
        let disablesIPv6 = spec.options?.networkPolicy != nil && configuration.egress?.disablesIPv6 == true
        pod.initContainers = [Execd.installer(configuration, disablesIPv6: disablesIPv6)]
        // What runs in a sandbox is not the cluster's friend.
        pod.automountServiceAccountToken = false
        pod.imagePullSecrets = pullSecrets.map { name in .with { $0.name = name } }
        pod.serviceAccountName = configuration.serviceAccount
        pod.runtimeClassName = configuration.runtimeClass
        pod.nodeSelector = try nodeSelector(configuration)
        template.spec = pod
        return template
    }

    private func sandboxContainer(_ configuration: ClusterRuntimeConfiguration) throws(SandboxError) -> Container {
        var container = Container()
        container.name = Execd.container
        container.image = image
        container.imagePullPolicy = configuration.imagePullPolicy
        container.command = [Execd.bootstrap] + spec.entrypoint
        container.env = environment(configuration) + [EnvVar("EXECD", "\(Execd.folder)/execd")]
        if spec.options?.credentialProxy == true {
            container.env.append(EnvVar(EgressSidecar.transparentProxy, "true"))
        }
        if let lifecycle = spec.options?.lifecycle { container.env.append(EnvVar("OPENSANDBOX_LIFECYCLE", lifecycle)) }
        container.resources = try PodResources.requirements(
            limits: spec.resourceLimits,
            requests: spec.options?.resourceRequests
        )
        container.volumeMounts = [VolumeMount(Execd.volume, at: Execd.folder)]
        return container
    }

    /// What was asked for, and what execd wants to know; that goes before.
    private func environment(_ configuration: ClusterRuntimeConfiguration) -> [EnvVar] {
        var environment = spec.environment
        environment["OPENSANDBOX_ID"] = id
        if configuration.execdRunsAsInit { environment["EXECD_INIT"] = "1" }
        environment["EXECD"] = nil
        return environment.sorted { $0.key < $1.key }.map { EnvVar($0.key, $0.value) }
    }

    /// Where a sandbox can run that asks for a platform.
    private func nodeSelector(_ configuration: ClusterRuntimeConfiguration) throws(SandboxError) -> [String: String] {
        guard let platform = spec.platform else { return [:] }
        let parts = platform.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, ["linux", "windows"].contains(parts[0]), ["amd64", "arm64"].contains(parts[1]) else {
            throw SandboxError(
                .invalidParameter,
                "The platform '\(platform)' is none of linux and windows with amd64 or arm64."
            )
        }
        let selector = ["kubernetes.io/os": parts[0], "kubernetes.io/arch": parts[1]]
        let given = configuration.template["spec"]?["template"]?["spec"]?["nodeSelector"]
        for (key, value) in selector {
            if let other = given?[key]?.string, other != value {
                throw SandboxError(
                    .invalidParameter,
                    "The platform '\(platform)' is not to be had: this server's sandboxes run where \(key) is \(other)."
                )
            }
        }
        return selector
    }

    // MARK: Its task, if its pod is a pool's

    /// What is run in a pool's pod: execd, and what was asked for. The shell gives its place to it, so that the task lasts as
    /// long as that does.
    private func task(_ configuration: ClusterRuntimeConfiguration) -> TaskTemplate {
        let command = spec.entrypoint.map(Self.quoted).joined(separator: " ")
        return .with {
            $0.spec.process = .with {
                $0.command = ["/bin/sh", "-c", "exec \(Execd.bootstrap) \(command)"]
                $0.env = environment(configuration)
            }
        }
    }

    /// A word as a shell reads it back.
    private static func quoted(_ word: String) -> String {
        let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./-_".utf8)
        if !word.isEmpty, word.utf8.allSatisfy(plain.contains) { return word }
        return "'" + word.replacing("'", with: "'\"'\"'") + "'"
    }
}
