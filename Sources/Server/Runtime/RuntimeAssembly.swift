// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import LocalRuntime
public import Logging
import SandboxModels
public import ServiceLifecycle

/// A runtime and what has to run beside it.
public struct RuntimeAssembly: Sendable {
    /// Where the sandboxes live.
    public var runtime: any SandboxRuntime
    /// What the runtime needs while it is in use, in the order in which it starts; it stops after the server.
    public var services: [any Service]

    /// Creates an assembly.
    public init(runtime: any SandboxRuntime, services: [any Service] = []) {
        self.runtime = runtime
        self.services = services
    }
}

/// Builds the runtime that a configuration asks for.
///
/// - Throws: ``SandboxError`` if what it needs of this machine is not there.
public func makeRuntime(_ configuration: ServerConfiguration, logger: Logger) async throws -> RuntimeAssembly {
    switch configuration.runtime {
    case .local(let local):
        let runtime = LocalRuntime(configuration: try LocalRuntimeConfiguration(local), logger: logger)
        return RuntimeAssembly(runtime: runtime, services: [runtime])
    }
}
