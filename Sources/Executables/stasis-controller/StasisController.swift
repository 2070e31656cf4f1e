// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Controller
import Glibc
import KubeClient
import Logging
import Metrics
import PrometheusMetrics

import struct Foundation.Data
import class Foundation.FileHandle
import class Foundation.ProcessInfo
import struct Foundation.URL

/// `stasis-controller`: runs, pauses and resumes the sandboxes of a cluster.
@main
struct StasisController {
    static func main() async {
        exit(await run(Array(CommandLine.arguments.dropFirst()), ProcessInfo.processInfo.environment))
    }

    @concurrent private static func run(_ arguments: [String], _ environment: [String: String]) async -> Int32 {
        let options: ControllerOptions
        let warnings: [String]
        do {
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
            complain("\(error)\nstasis-controller --help tells the flags.")
            return EX_USAGE
        }
        let registry = PrometheusRegistry.forController()
        MetricsSystem.bootstrap(registry)
        LoggingSystem.bootstrap { options.logHandler(label: $0) }
        let logger = Logger(label: "stasis-controller")
        for warning in warnings { logger.warning("\(warning)") }
        do {
            let configuration = try await options.clusterConfiguration(environment: environment)
            try await withKubeClient(configuration, metrics: registry, logger: logger) { client in
                try await makeManager(client, options, registry, logger: logger).run()
            }
            return EXIT_SUCCESS
        } catch {
            logger.critical("ended by a failure", metadata: ["error": "\(error)"])
            return EXIT_FAILURE
        }
    }

    private static func complain(_ text: String) { FileHandle.standardError.write(Data("\(text)\n".utf8)) }
}
