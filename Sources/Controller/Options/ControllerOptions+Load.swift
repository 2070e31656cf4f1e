// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Everything that is wrong with what the controller was told.
public struct ControllerOptionsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Sentences.
    public let problems: [String]

    /// A line for each problem.
    public var description: String { problems.joined(separator: "\n") }
}

extension ControllerOptions {
    /// What the command line, the environment and the file ask for.
    public enum Request: Sendable, Hashable {
        /// To work. The warnings tell what has no effect.
        case work(ControllerOptions, warnings: [String])
        /// To tell of the flags.
        case help
        /// To tell the version.
        case version
    }

    /// Reads the command line, the environment and the file that they name. What is said on the command line goes before what is
    /// said in the environment, and that before the file.
    ///
    /// - Parameters:
    ///   - arguments: Those of the program, without its name.
    ///   - environment: `STASIS_CONTROLLER_` with a flag's name in capitals, and `POD_NAMESPACE`.
    ///   - read: Reads the file that `--config` names.
    /// - Throws: All problems at once.
    public static func load(
        arguments: [String],
        environment: [String: String],
        read: (String) throws -> String
    ) throws(ControllerOptionsError) -> Request {
        let commandLine = OptionSource(arguments: arguments)
        if commandLine.asksForHelp { return .help }
        if commandLine.asksForVersion { return .version }
        let variables = OptionSource(environment: environment)
        var sources = [variables, commandLine]
        let path = (commandLine.settings[ControllerFlag.configName] ?? variables.settings[ControllerFlag.configName])?
            .text
        if let path, !path.isEmpty {
            do {
                sources.insert(OptionSource(yaml: try read(path), path: path), at: 0)
            } catch {
                throw ControllerOptionsError(
                    problems: commandLine.problems + ["The file '\(path)' of --config cannot be read: \(error)."]
                )
            }
        }
        var request = try merge(sources)
        if case .work(var options, let warnings) = request, let own = environment["POD_NAMESPACE"], !own.isEmpty {
            options.sandboxes.ownNamespace = own
            request = .work(options, warnings: warnings)
        }
        return request
    }

    private static func merge(_ sources: [OptionSource]) throws(ControllerOptionsError) -> Request {
        var problems = sources.flatMap(\.problems)
        var warnings = sources.flatMap(\.warnings)
        var options = ControllerOptions()
        let settings = sources.reduce(into: [String: OptionSetting]()) { $0.merge($1.settings) { $1 } }
        for flag in ControllerFlag.all {
            guard let setting = settings[flag.name], flag.name != ControllerFlag.configName else { continue }
            do throws(ControllerFlag.Fault) {
                switch flag.effect {
                case .option(let set): try set(&options, setting.text)
                case .none(let reason, let check):
                    try check(setting.text)
                    // Said as it is anyway, nothing is lost.
                    if setting.text != flag.standard { warnings.append("\(setting.place) has no effect: \(reason)") }
                }
            } catch {
                problems.append("\(setting.place): '\(setting.text)' \(error.reason).")
            }
        }
        if let address = options.metricsAddress, address == options.probeAddress, address.port != 0 {
            problems.append("--metrics-bind-address and --health-probe-bind-address are both \(address): choose two.")
        }
        guard problems.isEmpty else { throw ControllerOptionsError(problems: problems) }
        return .work(options, warnings: warnings + options.contradictions)
    }

    /// What fits together badly, but can be worked with.
    private var contradictions: [String] {
        var found: [String] = []
        if sandboxes.registry.isEmpty {
            found.append("--snapshot-registry is not set: nothing can be paused.")
        }
        if metricsAddress == nil, !metricsCertificate.folder.isEmpty {
            found.append("--metrics-cert-path has no effect: --metrics-bind-address is '0'.")
        }
        if metricsAddress != nil, !isMetricsSecure, !metricsCertificate.folder.isEmpty {
            found.append("--metrics-cert-path has no effect: --metrics-secure is false.")
        }
        return found
    }
}
