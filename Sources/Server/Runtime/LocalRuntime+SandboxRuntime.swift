// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import LocalRuntime
import SandboxModels

import class Foundation.ProcessInfo

extension LocalRuntime: SandboxRuntime {}

extension LocalRuntimeConfiguration {
    /// What `[local]` of the server's configuration says.
    init(_ local: ServerConfiguration.Local) throws(SandboxError) {
        let snapshots: SnapshotDestination =
            switch local.snapshotStore {
            case .layout(let path): .layout(folder: path)
            case .registry(let prefix): .registry(prefix: prefix)
            }
        try self.init(
            stateFolder: local.stateDirectory,
            snapshots: snapshots,
            node: ProcessInfo.processInfo.hostName,
            bridge: local.network.bridge,
            subnet: local.network.subnet
        )
        containerdSocket = local.containerdSocket
        containerdNamespace = local.containerdNamespace
        compression = local.snapshotCompression
        insecureRegistries = Set(local.insecureRegistries)
        allowedHostPaths = local.allowedHostPaths
        registryLogins = local.registryConfiguration
        registryCertificates = local.registryCertificates
        mostSnapshotLayers = local.mostSnapshotLayers
        policy.captureTimeout = Double(local.pauseDeadline)
    }
}
