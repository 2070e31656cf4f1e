// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import LocalRuntime
import SandboxModels

import class Foundation.ProcessInfo

extension LocalRuntime: SandboxRuntime {}

extension LocalRuntimeConfiguration {
    /// What `[local]` and `[snapshots]` of the server's configuration say.
    init(
        _ local: ServerConfiguration.Local,
        _ told: ServerConfiguration.Snapshots = ServerConfiguration.Snapshots()
    ) throws(SandboxError) {
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
        signingKey = told.signingKey
        snapshotEnvironment = told.environment
        verification = told.verification
        verificationKeys = told.verificationKeys
        policy.captureTimeout = Double(local.pauseDeadline)
    }
}
