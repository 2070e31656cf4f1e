// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

/// What a creator says about a sandbox in its metadata: annotations and labels, and, under keys with a prefix, how it is to be made.
struct CreationParameters: Equatable {
    /// What becomes of a sandbox that does not come up.
    enum FailedReservation: Equatable {
        /// It is deleted.
        case never
        /// It is kept for whoever wants to see why.
        case forever
        /// It is kept for so many seconds.
        case seconds(Double)
    }

    /// The creator's own metadata.
    var annotations: [String: String] = [:]
    /// Labels of the sandbox and of its pods.
    var labels: [String: String] = [:]
    /// Seconds to wait for a set that has nothing to give.
    var claimTimeout: Int?
    /// Seconds to wait for it to come up.
    var readyTimeout: Int?
    /// What the first container needs, by resource name.
    var requests: [String: Quantity] = [:]
    /// What the first container may have, by resource name.
    var limits: [String: Quantity] = [:]
    /// The first container's image.
    var image: String?
    /// Whether nothing is told to it once it runs, also no environment variables.
    var skipsInitialization = false
    /// What becomes of it if it does not come up.
    var failedReservation = FailedReservation.never
    /// For how long it is kept while it is paused.
    var pausedRetention: PausedRetention?
    /// Whether one is made when the set has none to give.
    var createsOnNoStock = true
    /// Whether it has no timeout, whatever the request says.
    var neverEnds = false
    /// Whether its address is told with its metadata.
    var tellsAddress = false
    /// The name of its object, for a clone.
    var name: String?
    /// The beginning of the name of its object, for a clone.
    var namePrefix: String?

    /// What the keys begin with.
    static let prefix = "e2b.agents.kruise.io/"
    /// What keys begin with that become labels.
    static let labelPrefix = "label:"

    /// Reads what a request says in its metadata, and what the API has taken out of that as extensions.
    ///
    /// - Throws: `SandboxError` with `invalidParameter`.
    init(_ metadata: [String: String], extensions: [String: String] = [:]) throws(SandboxError) {
        let taken = extensions.filter { $0.key.hasPrefix(Self.prefix) || $0.key.hasPrefix(Self.labelPrefix) }
        for (key, value) in metadata.merging(taken, uniquingKeysWith: { $1 }).sorted(by: { $0.key < $1.key }) {
            if key.hasPrefix(Self.prefix) {
                try read(String(key.dropFirst(Self.prefix.count)), value)
            } else if key.hasPrefix(Self.labelPrefix) {
                let label = String(key.dropFirst(Self.labelPrefix.count))
                try Self.check(label, "label")
                if let problem = NameRule.labelValue.problem(with: value) {
                    throw Self.invalid("The value '\(value)' of the label '\(label)' \(problem).")
                }
                labels[label] = value
            } else {
                try Self.check(key, "metadata key")
                annotations[key] = value
            }
        }
        guard name == nil || namePrefix == nil else {
            throw Self.invalid("'sandbox-name' and 'sandbox-generate-name' exclude one another.")
        }
    }

    /// Whether there is something that a pod which runs already cannot be given.
    var needsOwnPod: Bool { image != nil || !requests.isEmpty || !limits.isEmpty }

    private static func check(_ key: String, _ what: String) throws(SandboxError) {
        if let problem = NameRule.qualifiedName.problem(with: key) {
            throw invalid("The \(what) '\(key)' \(problem).")
        }
        guard !UserMetadata.isReserved(key) else {
            throw invalid("The \(what) '\(key)' is reserved; choose one with another prefix.")
        }
    }

    private mutating func read(_ key: String, _ value: String) throws(SandboxError) {
        switch key {
        case "claim-timeout-seconds": claimTimeout = try Self.seconds(key, value)
        case "wait-ready-timeout-seconds": readyTimeout = try Self.seconds(key, value)
        case "cpu-request": requests["cpu"] = try Self.quantity(key, value)
        case "cpu-limit": limits["cpu"] = try Self.quantity(key, value)
        case "image":
            guard !value.isEmpty else { throw Self.bad(key, value, "names no image") }
            image = value
        case "skip-init-runtime": skipsInitialization = value == "true"
        case "reserve-failed-sandbox": if value == "true" { failedReservation = .forever }
        case "reserve-failed-sandbox-for": failedReservation = try Self.reservation(key, value)
        case "reserve-paused-sandbox-duration":
            guard let retention = PausedRetention(parameter: value) else {
                throw Self.bad(key, value, "is neither 'forever' nor a duration such as '90s' or '24h'")
            }
            pausedRetention = retention
        case "create-on-no-stock": createsOnNoStock = value != "false"
        case "never-timeout": neverEnds = value == "true"
        case "return-sandbox-ip": tellsAddress = value == "true"
        case "sandbox-name": name = try Self.label(key, value)
        case "sandbox-generate-name": namePrefix = try Self.label(key, value)
        case "csi-volume-name", "csi-mount-point", "csi-subpath", "csi-volume-config":
            throw Self.bad(key, value, "cannot be had here: put the volume into the template")
        case "envd-version": break
        case _ where [UserMetadata.resourceKey, UserMetadata.addressKey].contains(Self.prefix + key):
            // What was told of another sandbox says nothing of this one.
            break
        default:
            throw Self.invalid("The metadata key '\(Self.prefix)\(key)' is reserved, and no parameter is called so.")
        }
    }

    private static func seconds(_ key: String, _ value: String) throws(SandboxError) -> Int {
        guard let seconds = Int(value), seconds > 0 else { throw bad(key, value, "is no number of seconds above 0") }
        return seconds
    }

    private static func quantity(_ key: String, _ value: String) throws(SandboxError) -> Quantity {
        guard let quantity = Quantity(withinLimits: value), quantity.approximate > 0 else {
            throw bad(key, value, "is no quantity above 0, such as '500m' or '2'")
        }
        return quantity
    }

    private static func reservation(_ key: String, _ value: String) throws(SandboxError) -> FailedReservation {
        switch value {
        case "never": return .never
        case "forever": return .forever
        default:
            if GoDuration(value)?.nanoseconds == 0 { return .never }
            guard let seconds = PausedRetention(parameter: value)?.seconds else {
                throw bad(key, value, "is neither 'never' nor 'forever' nor a duration such as '90s' or '24h'")
            }
            return .seconds(seconds)
        }
    }

    private static func label(_ key: String, _ value: String) throws(SandboxError) -> String {
        if let problem = NameRule.label.problem(with: value) { throw bad(key, value, problem) }
        return value
    }

    private static func bad(_ key: String, _ value: String, _ problem: String) -> SandboxError {
        invalid("Bad extension param: '\(value)' as '\(prefix)\(key)' \(problem).")
    }

    private static func invalid(_ message: String) -> SandboxError { SandboxError(.invalidParameter, message) }
}
