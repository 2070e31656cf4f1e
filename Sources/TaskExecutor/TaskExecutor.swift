// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Hummingbird
import HummingbirdCore
public import Logging
public import ServiceLifecycle

/// Runs the tasks of a sandbox inside its pod, as it is told by HTTP.
///
/// It speaks the protocol of OpenSandbox's task executor, in its process mode. Whoever reaches it can run commands in the pod,
/// which is what it is for: do not let strangers reach it.
public struct TaskExecutor: ServiceLifecycle.Service {
    private let settings: TaskExecutorSettings
    private let logger: Logger

    /// Creates an executor.
    public init(_ settings: TaskExecutorSettings, logger: Logger) {
        self.settings = settings
        self.logger = logger
    }

    /// Listens, and runs tasks, until the task is cancelled or the service is told to shut down. The processes of tasks go on.
    ///
    /// - Throws: If the data folder cannot be used, or the address cannot be listened on.
    public func run() async throws {
        let manager = TaskManager(settings, logger: logger)
        try await manager.recover()
        // What it says of itself is said below.
        var quiet = logger
        quiet.logLevel = max(logger.logLevel, .warning)
        let application = Application(
            router: TaskRoutes(manager: manager).router(),
            server: .http1(configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(30))),
            configuration: ApplicationConfiguration(address: .hostname(settings.host, port: settings.port)),
            onServerRunning: { [logger] channel in
                let place = channel.localAddress.map { "\($0)" } ?? ""
                logger.info(
                    "listening",
                    metadata: ["address": "\(place)", "port": "\(channel.localAddress?.port ?? 0)"]
                )
            },
            logger: quiet
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await manager.run() }
            group.addTask { try await application.run() }
            try await group.next()
            group.cancelAll()
        }
    }
}
