// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import KubeClient
import Logging

import struct Foundation.Data
import class Foundation.FileHandle

extension Doctor {
    /// Looks at the cluster that the flags lead to, and prints what was found.
    ///
    /// - Returns: The exit status: 1 if there are problems, or there is no way to the cluster.
    static func run(
        _ options: ControllerOptions,
        _ settings: DoctorOptions,
        name: String,
        environment: [String: String]
    ) async -> Int32 {
        // What is found is all that is told.
        let logger = Logger(label: name) { _ in SwiftLogNoOpLogHandler() }
        do {
            var configuration = try await options.clusterConfiguration(environment: environment)
            configuration.connectTimeout = .seconds(5)
            configuration.requestTimeout = .seconds(20)
            configuration.retry.attempts = 2
            let report = try await withKubeClient(configuration, logger: logger) { client in
                await Doctor(
                    client: client,
                    options: options,
                    settings: settings,
                    logger: logger,
                    environment: environment
                ).report()
            }
            print(settings.output == .json ? report.json : report.text)
            return report.hasProblems ? EXIT_FAILURE : EXIT_SUCCESS
        } catch {
            FileHandle.standardError.write(Data("There is no way to the cluster: \(error)\n".utf8))
            return EXIT_FAILURE
        }
    }
}
