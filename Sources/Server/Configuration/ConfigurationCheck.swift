// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import LocalRuntime
import SandboxModels

/// What is to be said about a configuration without starting a server with it.
public struct ConfigurationCheck: Sendable, Equatable {
    /// What a server could not be started with, a sentence each.
    public var problems: [String]
    /// What has no effect.
    public var warnings: [ConfigurationWarning]

    /// Whether a server could be started with it, as far as the configuration alone tells.
    public var isUsable: Bool { problems.isEmpty }

    /// Checks the configuration that a server would read. Nothing is made or changed.
    ///
    /// - Parameter machine: Whether to look at what the configuration names on this machine as well.
    public init(_ file: ConfigurationFile, environment: [String: String], machine: Bool = true) {
        do {
            let text = try file.read()
            let (configuration, warnings) = try ServerConfiguration.load(text: text, environment: environment)
            self.problems = []
            self.warnings = warnings
            if machine { lookAtKeys(of: configuration) }
            if machine { look(at: configuration.snapshots) }
            switch configuration.runtime {
            case .local(let local):
                let plan = try LocalRuntimeConfiguration(local)
                if machine { look(at: local, networkPlugins: plan.network.pluginFolder) }
            case .kubernetes(let kubernetes):
                if machine { look(at: kubernetes) }
            }
        } catch let error as ConfigurationError {
            problems = error.problems
            warnings = error.warnings
        } catch {
            problems = ["\(error)"]
            warnings = []
        }
    }

    /// A line for each problem and warning, and a last one with the sum.
    public var report: String {
        let lines = problems.map { "error: \($0)" } + warnings.map { "warning: \($0)" }
        let sum =
            "The configuration can\(isUsable ? "" : "not") be used: \(problems.count) errors, \(warnings.count) warnings."
        return (lines + [sum]).joined(separator: "\n")
    }
}
