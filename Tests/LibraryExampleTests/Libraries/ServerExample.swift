// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Logging
import Server
import ServiceLifecycle

/// Compiled, and not run: it is the program `stasis-server` in short.
func exampleOfServer(text: String, environment: [String: String], logger: Logger) async throws {
    let (configuration, warnings) = try ServerConfiguration.load(text: text, environment: environment)
    for warning in warnings { logger.warning("\(warning)") }

    let assembly = try await makeRuntime(configuration, logger: logger)
    let server = StasisServer(tenants: assembly.tenants, configuration: configuration.http, logger: logger)
    try await ServiceGroup(services: assembly.services + [server], logger: logger).run()
}
