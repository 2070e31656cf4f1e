// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ClusterRuntime
import KruiseRuntime
import LocalRuntime
public import Logging
import SandboxModels
public import ServiceLifecycle

/// The tenants of a server with their runtimes, and what has to run beside them.
public struct RuntimeAssembly: Sendable {
    /// Who uses the server, and where their sandboxes live.
    public var tenants: Tenants
    /// The E2B API, if it is wanted.
    public var e2b: E2BService?
    /// What the runtimes need while they are in use, in the order in which it starts; it stops after the server.
    public var services: [any Service]

    /// Creates an assembly.
    public init(tenants: Tenants, e2b: E2BService? = nil, services: [any Service] = []) {
        self.tenants = tenants
        self.e2b = e2b
        self.services = services
    }
}

/// Builds the runtimes that a configuration asks for.
///
/// - Throws: ``ConfigurationError`` if a file that it names cannot be used; `SandboxError` if what it needs of this machine is not there.
public func makeRuntime(_ configuration: ServerConfiguration, logger: Logger) async throws -> RuntimeAssembly {
    switch configuration.runtime {
    case .local(let local):
        let runtime = LocalRuntime(
            configuration: try LocalRuntimeConfiguration(local, configuration.snapshots),
            logger: logger
        )
        let tenants = try Tenants(configuration, logger: logger) { _ in runtime }
        let e2b = configuration.e2b.map { E2BService($0, runtime: runtime) }
        return RuntimeAssembly(tenants: tenants, e2b: e2b, services: [runtime])
    case .kubernetes(let kubernetes):
        let connections = try await ClusterConnections(kubernetes, logger: logger)
        let template = try await ClusterConnections.template(kubernetes.templateFile)
        let runtimes = ClusterRuntimes(defaultNamespace: kubernetes.namespace) { namespace in
            var cluster = ClusterRuntimeConfiguration(kubernetes, namespace: namespace, template: template)
            cluster.hasSecureAccess = configuration.ingress.hasGateway
            cluster.verification = configuration.snapshots.verification
            cluster.verificationKeys = configuration.snapshots.verificationKeys
            if let renewal = configuration.renewal {
                cluster.renewsOnAccess = true
                cluster.renewalInterval = renewal.minimumInterval
            }
            return ClusterRuntime(cluster, client: connections.client, logger: logger)
        }
        let tenants = try Tenants(configuration, logger: logger) { runtimes.runtime(of: $0) }
        guard let e2b = configuration.e2b else {
            return RuntimeAssembly(tenants: tenants, services: [connections, runtimes])
        }
        let teams = KruiseTeams(e2b, namespace: kubernetes.namespace) { namespace in
            var kruise = KruiseRuntimeConfiguration(namespace: namespace)
            kruise.readyTimeout = kubernetes.createTimeout
            kruise.claimTimeout = kubernetes.poolAcquisitionTimeout
            return KruiseRuntime(kruise, client: connections.client, logger: logger)
        }
        return RuntimeAssembly(
            tenants: tenants,
            e2b: E2BService(e2b, runtime: teams),
            services: [connections, runtimes, teams]
        )
    }
}

extension ServerConfiguration.Ingress {
    /// Whether a gateway stands before the sandboxes, which can ask for tokens.
    fileprivate var hasGateway: Bool {
        if case .gateway = mode { true } else { false }
    }
}
