// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Spelling

/// What somebody says of a flag.
struct OptionSetting: Sendable, Hashable {
    let text: String
    /// Where, as the beginning of a sentence: `--concurrency`, `'concurrency' of /etc/controller.yaml`.
    let place: String
}

/// What one source says, and what is wrong with how it says it.
struct OptionSource: Sendable {
    var settings: [String: OptionSetting] = [:]
    var problems: [String] = []
    var warnings: [String] = []
    var asksForHelp = false
    var asksForVersion = false

    /// The command line, in the way of Go's `flag`: `--name=value`, `--name value`, with one `-` or two; `--name` alone for what
    /// is true or false. What is said last counts.
    init(arguments: [String]) {
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            let isFlag = argument.hasPrefix("-") && argument != "-"
            guard isFlag, argument != "--" else {
                problems.append("'\(argument)' is no flag.\(rest.isEmpty ? "" : " What follows was not read.")")
                return
            }
            let body = argument.dropFirst(argument.hasPrefix("--") ? 2 : 1)
            let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts[0]
            switch name {
            case "help", "h": asksForHelp = true
            case "version": asksForVersion = true
            default:
                guard let flag = ControllerFlag.named[name] else {
                    problems.append("There is no flag --\(name).\(Self.hint(name) { "--\($0)" })")
                    // Its value may be the next one.
                    if parts.count == 1, let next = rest.first, !next.hasPrefix("-") { rest.removeFirst() }
                    continue
                }
                if parts.count == 2 {
                    settings[name] = OptionSetting(text: parts[1], place: "--\(name)")
                } else if flag.isToggle {
                    settings[name] = OptionSetting(text: "true", place: "--\(name)")
                    if let next = rest.first, (try? ControllerFlag.readBool(next)) != nil {
                        problems.append("--\(name) has no value after a space: write --\(name)=\(next).")
                        rest.removeFirst()
                    }
                } else if let value = rest.popFirst() {
                    settings[name] = OptionSetting(text: value, place: "--\(name)")
                } else {
                    problems.append("--\(name) needs a value.")
                }
            }
        }
    }

    /// The environment: `STASIS_CONTROLLER_` and the name in capitals, and what OpenSandbox's controller reads.
    init(environment: [String: String]) {
        for flag in ControllerFlag.all {
            if let text = environment[flag.variable] {
                settings[flag.name] = OptionSetting(text: text, place: flag.variable)
            }
        }
        for (variable, flag) in Self.openSandboxVariables {
            guard settings[flag] == nil, let text = environment[variable], !text.isEmpty else { continue }
            settings[flag] = OptionSetting(text: text, place: variable)
        }
        // Others of this beginning may be of a Service of that name, so they are no errors.
        let known = Set(ControllerFlag.all.map(\.variable))
        for name in environment.keys.sorted()
        where name.hasPrefix(ControllerFlag.variablePrefix) && !known.contains(name) {
            guard let meant = Misspelling.closest(to: name, of: known) else { continue }
            warnings.append("\(name) has no effect. Was \(meant) meant?")
        }
    }

    /// The variables of OpenSandbox's controller, and the flags that say the same.
    private static let openSandboxVariables = [
        "POD_NAMESPACE": "leader-election-namespace",
        "SYNC_SANDBOX_ALLOC_CONCURRENCY": "pool-allocation-concurrency",
        "RECYCLE_POD_CONCURRENCY": "pool-recycle-concurrency",
    ]

    static func hint(_ name: String, _ spell: (String) -> String) -> String {
        guard let meant = Misspelling.closest(to: name, of: ControllerFlag.named.keys) else { return "" }
        return " Was \(spell(meant)) meant?"
    }
}
