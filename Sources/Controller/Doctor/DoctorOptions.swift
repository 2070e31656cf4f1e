// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What the doctor is told besides the controller's own flags.
struct DoctorOptions: Sendable, Hashable {
    /// The first argument of a program that is to do this in place of working.
    static let word = "doctor"

    /// How findings are told.
    enum Output: String, Sendable, Hashable, CaseIterable {
        case text
        case json
    }

    /// An account of pods.
    struct Account: Sendable, Hashable, CustomStringConvertible {
        var namespace: String
        var name: String

        /// Whom the API server knows it as.
        var user: String { "system:serviceaccount:\(namespace):\(name)" }
        /// What it is part of.
        var groups: [String] {
            ["system:serviceaccounts", "system:serviceaccounts:\(namespace)", "system:authenticated"]
        }
        var description: String { "\(namespace)/\(name)" }
    }

    var output = Output.text
    /// Whether a Job looks at each node.
    var looksAtNodes = false
    /// Whose rights are looked at; nil for those of whoever runs this.
    var account: Account?

    /// Takes what is the doctor's out of a command line.
    ///
    /// - Parameter arguments: As Go's programs take them: `--name=value`, `--name value`, with one `-` or two.
    /// - Returns: The controller's own flags, for which it is left to say what is wrong.
    /// - Throws: All problems at once.
    static func take(from arguments: [String]) throws(ControllerOptionsError) -> (DoctorOptions, rest: [String]) {
        var options = DoctorOptions()
        var (rest, problems): ([String], [String]) = ([], [])
        var left = arguments[...]
        while let argument = left.popFirst() {
            let body = argument.drop { $0 == "-" }
            let parts = body.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let isFlag = argument.hasPrefix("-") && argument.count - body.count <= 2
            guard isFlag, let name = parts.first, ["output", "nodes", "service-account"].contains(name) else {
                rest.append(argument)
                continue
            }
            let given = parts.count == 2 ? parts[1] : nil
            if name == "nodes" {
                switch given.map({ $0.lowercased() }) {
                case nil, "true"?, "1"?, "t"?: options.looksAtNodes = true
                case "false"?, "0"?, "f"?: options.looksAtNodes = false
                default: problems.append("--nodes: '\(given ?? "")' is neither true nor false.")
                }
                continue
            }
            guard let value = given ?? left.popFirst() else {
                problems.append("--\(name) needs a value.")
                continue
            }
            if name == "output" {
                if let output = Output(rawValue: value.lowercased()) {
                    options.output = output
                } else {
                    problems.append("--output: '\(value)' is not text or json.")
                }
            } else {
                let words = value.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
                if words.count == 2, !words.contains("") {
                    options.account = Account(namespace: words[0], name: words[1])
                } else {
                    problems.append("--service-account: '\(value)' is not NAMESPACE/NAME.")
                }
            }
        }
        guard problems.isEmpty else { throw ControllerOptionsError(problems: problems) }
        return (options, rest)
    }
}
