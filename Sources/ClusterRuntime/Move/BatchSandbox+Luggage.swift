// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Data
import class Foundation.JSONDecoder

extension BatchSandbox {
    /// What of it travels to another server.
    ///
    /// - Parameter template: What every object of this server begins as: that is the server's, and stays.
    func luggage(_ sandbox: Sandbox, template: KubeModels.JSONValue) -> Luggage {
        var luggage = Luggage(spec: sandbox.spec, expiresAt: sandbox.expiresAt)
        luggage.spec.snapshotID = nil
        luggage.spec.extensions[SandboxExtension.pool] = nil
        if spec.replicas != 1 { luggage.obstacles.append("It has \(spec.replicas) replicas; only one can move.") }
        var options = SandboxOptions()
        let pod = try? spec.podTemplate()?.spec
        if let pool = spec.poolRef, !pool.isEmpty { luggage.leftBehind.append("pool \(pool)") }
        if let process = try? spec.decodedTaskTemplate()?.spec.process {
            if pod == nil || luggage.spec.entrypoint.isEmpty == false, spec.poolRef != nil {
                luggage.take(process.env, of: "the task")
            } else {
                luggage.leftBehind.append("task")
            }
        }
        if let pod {
            luggage.take(pod, besides: template["spec"]?["template"]?["spec"], options: &options)
        }
        if metadata.annotations[OpenSandbox.Annotation.secureAccessToken] != nil { options.secureAccess = true }
        luggage.spec.options = options == SandboxOptions() ? nil : options
        return luggage
    }
}

extension Luggage {
    /// What the server itself writes into the environment of each sandbox.
    private static let ownVariables: Set<String> = [
        "OPENSANDBOX_ID", "EXECD", "EXECD_INIT", "OPENSANDBOX_LIFECYCLE", EgressSidecar.transparentProxy,
    ]

    fileprivate mutating func take(
        _ pod: PodSpec,
        besides own: KubeModels.JSONValue?,
        options: inout SandboxOptions
    ) {
        let containers = pod.containers.filter { $0.name != EgressSidecar.container }
        guard let main = containers.first(where: { $0.name == Execd.container }) ?? containers.first else { return }
        if containers.count > 1 {
            obstacles.append("It has \(containers.count) containers; only a sandbox of one can move.")
        }
        for container in pod.initContainers where container.name != "execd-installer" {
            leftBehind.append("init container \(container.name)")
        }
        let ownVolumes = Set((own?["volumes"]?.array ?? []).compactMap { $0["name"]?.string } + [Execd.volume])
        for volume in pod.volumes where !ownVolumes.contains(volume.name) { leftBehind.append("volume \(volume.name)") }
        take(main.env, of: main.name)
        if main.unknownFields["envFrom"] != nil { leftBehind.append("environment of Secrets or ConfigMaps") }
        take(main.resources, options: &options)
        let variables = Dictionary(main.env.map { ($0.name, $0.value) }) { _, last in last }
        options.lifecycle = variables["OPENSANDBOX_LIFECYCLE"] ?? nil
        if (variables[EgressSidecar.transparentProxy] ?? nil) == "true" { options.credentialProxy = true }
        if let sidecar = pod.containers.first(where: { $0.name == EgressSidecar.container }) {
            let rules = sidecar.env.first { $0.name == "OPENSANDBOX_EGRESS_RULES" }?.value ?? ""
            if let policy = try? JSONDecoder().decode(NetworkPolicy.self, from: Data(rules.utf8)) {
                options.networkPolicy = policy
            } else {
                obstacles.append("What it may connect to cannot be read, and it must not reach more elsewhere.")
            }
        }
    }

    fileprivate mutating func take(_ variables: [EnvVar], of name: String) {
        for variable in variables where !Self.ownVariables.contains(variable.name) {
            if variable.unknownFields["valueFrom"] != nil {
                leftBehind.append("variable \(variable.name)")
            } else {
                spec.environment[variable.name] = variable.value ?? ""
            }
        }
    }

    private mutating func take(_ resources: ResourceRequirements?, options: inout SandboxOptions) {
        guard let resources else { return }
        spec.resourceLimits = resources.limits.mapValues { "\($0)" }
        let requests = resources.requests.filter { resources.limits[$0.key] != $0.value }
        if !requests.isEmpty { options.resourceRequests = requests.mapValues { "\($0)" } }
    }
}
