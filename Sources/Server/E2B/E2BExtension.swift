// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// OpenKruise Agents' own parameters of a create, which come as metadata. They are kept as extensions of the sandbox, under the
/// names that they came with, for the runtime to read; what no runtime has to know is read here.
enum E2BExtension {
    static let prefix = "e2b.agents.kruise.io/"
    /// Metadata that is a label of the sandbox, and of its pod.
    static let labelPrefix = "label:"

    static let neverTimeout = prefix + "never-timeout"
    static let pausedRetention = prefix + "reserve-paused-sandbox-duration"
    static let sandboxName = prefix + "sandbox-name"
    static let sandboxGenerateName = prefix + "sandbox-generate-name"
    static let image = prefix + "image"
    /// Our own: the version of E2B's agent, where it is not the usual one.
    static let envdVersion = prefix + "envd-version"

    /// How the value of a parameter has to be.
    private enum Form {
        case any, bool, seconds, quantity, retention, failedRetention, name, jsonList
    }

    private static let forms: [String: Form] = [
        "claim-timeout-seconds": .seconds, "wait-ready-timeout-seconds": .seconds, "cpu-request": .quantity,
        "cpu-limit": .quantity, "image": .any, "csi-volume-name": .any, "csi-mount-point": .any, "csi-subpath": .any,
        "csi-volume-config": .jsonList, "skip-init-runtime": .bool, "reserve-failed-sandbox": .bool,
        "reserve-failed-sandbox-for": .failedRetention, "reserve-paused-sandbox-duration": .retention,
        "create-on-no-stock": .bool, "never-timeout": .bool, "return-sandbox-ip": .bool, "sandbox-name": .name,
        "sandbox-generate-name": .name,
    ]

    /// Takes the parameters out of metadata.
    ///
    /// - Returns: What is left of the metadata, and the parameters.
    /// - Throws: ``E2BError`` (400).
    static func taking(from metadata: [String: String]) throws(E2BError) -> (
        metadata: [String: String], extensions: [String: String]
    ) {
        var rest = metadata
        var extensions: [String: String] = [:]
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            if key.hasPrefix(labelPrefix) {
                try checkLabel(String(key.dropFirst(labelPrefix.count)), value)
            } else if key.hasPrefix(prefix) {
                guard let form = forms[String(key.dropFirst(prefix.count))] else {
                    throw .bad("The metadata key '\(key)' is reserved, and there is no such parameter.")
                }
                guard fits(value, form) else { throw .bad("Bad extension param: '\(key)' must not be '\(value)'.") }
            } else {
                try checkKey(key)
                continue
            }
            extensions[key] = value
            rest[key] = nil
        }
        if extensions[sandboxName] != nil, extensions[sandboxGenerateName] != nil {
            throw .bad("Bad extension param: sandbox-name and sandbox-generate-name exclude one another.")
        }
        if (extensions[prefix + "csi-volume-name"] == nil) != (extensions[prefix + "csi-mount-point"] == nil) {
            throw .bad("Bad extension param: csi-volume-name and csi-mount-point need one another.")
        }
        return (rest, extensions)
    }

    /// For how long a paused sandbox is kept, as a parameter or a header says it; nil if it says nothing that can be.
    static func retention(_ text: String) -> PausedRetention? {
        if text == "forever" { return .forever }
        guard let seconds = DurationText.seconds(text), seconds > 0 else { return nil }
        return .seconds(seconds)
    }

    private static func checkKey(_ key: String) throws(E2BError) {
        guard LabelRules.isKey(key), !Kruise.reservedPrefixes.contains(where: key.hasPrefix) else {
            throw .bad(
                """
                The metadata key '\(key)' cannot be used: a name of up to 63 letters, digits, '-', '_' and '.', after an \
                optional DNS name and '/', which is not the system's.
                """
            )
        }
    }

    private static func checkLabel(_ key: String, _ value: String) throws(E2BError) {
        try checkKey(key)
        guard LabelRules.isValue(value) else { throw .bad("'\(value)' of '\(key)' cannot be the value of a label.") }
    }

    private static func fits(_ value: String, _ form: Form) -> Bool {
        switch form {
        case .any: return !value.isEmpty
        case .bool: return ["true", "false"].contains(value)
        case .seconds: return Int(value).map { $0 > 0 } ?? false
        case .quantity: return Quantity(withinLimits: value).map { $0.approximate > 0 } ?? false
        case .retention: return retention(value) != nil
        case .failedRetention:
            return ["never", "forever"].contains(value) || DurationText.seconds(value).map { $0 >= 0 } ?? false
        case .name: return NameRule.label.problem(with: value) == nil
        case .jsonList:
            guard case .array? = try? JSONParser.parse(value.utf8) else { return false }
            return true
        }
    }
}

/// Durations as Go writes them (`1h30m`, `1.5s`, `-10ms`), with days (`30d`) besides.
enum DurationText {
    private static let units: [(String, Double)] = [
        ("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("μs", 1e-6), ("ms", 1e-3), ("s", 1), ("m", 60), ("h", 3600),
        ("d", 86_400),
    ]

    /// The seconds; nil if it is no such text, or longer than a thousand years.
    static func seconds(_ text: String) -> Double? {
        var rest = Substring(text)
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest = rest.dropFirst() }
        if rest == "0" { return 0 }
        guard !rest.isEmpty else { return nil }
        var sum: Double = 0
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
            guard number.contains(where: \.isNumber), number.count(where: { $0 == "." }) < 2,
                let value = Double(number.hasPrefix(".") ? "0\(number)" : String(number))
            else { return nil }
            rest = rest.dropFirst(number.count)
            let word = rest.prefix { !($0.isASCII && ($0.isNumber || $0 == ".")) }
            guard let unit = units.first(where: { $0.0 == word })?.1 else { return nil }
            rest = rest.dropFirst(word.count)
            sum += value * unit
        }
        guard sum <= 1000 * 366 * 86_400 else { return nil }
        return isNegative ? -sum : sum
    }
}
