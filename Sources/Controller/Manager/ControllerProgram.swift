// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
public import KubeClient
public import Logging
import Metrics
import PrometheusMetrics
import SandboxModels

import struct Foundation.Data
import class Foundation.FileHandle
import class Foundation.ProcessInfo
import struct Foundation.URL

/// The main function of a controller: flags, environment and file, logging, measurements, the cluster. All that is left to say is
/// which providers it has.
///
/// ```swift
/// exit(await ControllerProgram.run { client, options, logger in SnapshotProviders(MyProvider(client)) })
/// ```
public enum ControllerProgram {
    /// Makes the providers of a program.
    public typealias Making = @Sendable (KubeClient, ControllerOptions, Logger) async throws -> SnapshotProviders

    /// Works until a signal ends the process. With `uninstall` before the flags it takes all finalizers away and ends, and with
    /// `doctor` it looks at the cluster and ends. To be called once in a process, whose logging and metrics systems it sets up.
    ///
    /// - Parameters:
    ///   - name: What the program calls itself.
    ///   - arguments: The flags, without the program's path.
    ///   - environment: Flags as well, and what leads to the cluster; the one of the process if nil.
    ///   - evictionHandlers: Who decides about evictions from pools, by the name that these choose them by.
    ///   - makeProviders: Says who captures.
    /// - Returns: The exit status: 0 when it was told to end, 1 when it cannot go on or the doctor has found a problem, 64 for flags
    ///   that make no sense.
    @concurrent
    public static func run(
        name: String = "stasis-controller",
        arguments: [String] = Array(CommandLine.arguments.dropFirst()),
        environment: [String: String]? = nil,
        evictionHandlers: [String: any EvictionHandler] = [:],
        _ makeProviders: @escaping Making
    ) async -> Int32 {
        let environment = environment ?? ProcessInfo.processInfo.environment
        let isUninstalling = arguments.first == Uninstallation.word
        let isDoctor = arguments.first == DoctorOptions.word
        var arguments = isUninstalling || isDoctor ? Array(arguments.dropFirst()) : arguments
        var doctor: DoctorOptions?
        let options: ControllerOptions
        let warnings: [String]
        do {
            if isDoctor {
                let (own, rest) = try DoctorOptions.take(from: arguments)
                (doctor, arguments) = (own, rest)
            }
            let request = try ControllerOptions.load(arguments: arguments, environment: environment) { path in
                try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
            }
            switch request {
            case .help:
                print(ControllerOptions.help)
                return EXIT_SUCCESS
            case .version:
                print(ControllerVersion.current)
                return EXIT_SUCCESS
            case .work(let found, let said): (options, warnings) = (found, said)
            }
        } catch {
            FileHandle.standardError.write(Data("\(error)\n\(name) --help tells the flags.\n".utf8))
            return EX_USAGE
        }
        if let doctor { return await Doctor.run(options, doctor, name: name, environment: environment) }
        let registry = PrometheusRegistry.forController()
        MetricsSystem.bootstrap(registry)
        let provider = Logger.MetadataProvider { RequestID.current.map { ["request_id": "\($0)"] } ?? [:] }
        LoggingSystem.bootstrap({ options.logHandler(label: $0, $1) }, metadataProvider: provider)
        let logger = Logger(label: name)
        for warning in warnings { logger.warning("\(warning)") }
        do {
            let configuration = try await options.clusterConfiguration(environment: environment)
            try await withKubeClient(configuration, metrics: registry, logger: logger) { client in
                if isUninstalling {
                    let count = try await Uninstallation(client: client, options: options, logger: logger).run()
                    return print("\(count) objects had finalizers, and have none any more")
                }
                try await ControllerManager(
                    client: client,
                    options: options,
                    providers: try await makeProviders(client, options, logger),
                    evictionHandlers: evictionHandlers,
                    registry: registry,
                    logger: logger
                ).run()
            }
            return EXIT_SUCCESS
        } catch {
            logger.critical("ended by a failure", metadata: ["error": "\(error)"])
            return EXIT_FAILURE
        }
    }
}
