// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels

import struct Foundation.Date
import class Foundation.ProcessInfo

/// The only states that the E2B API knows.
enum E2BState: String, Encodable, CaseIterable {
    case running, paused
}

extension Sandbox {
    /// The state as the API tells it; nil while it tells nothing of the sandbox, because it has never been up or has ended.
    ///
    /// One that is being paused runs until it is: who waits for it to be paused can connect then. One that has failed after it
    /// was paused is paused to the API: what was captured then is what is left of it.
    func e2bState(at now: Date) -> E2BState? {
        switch status.state {
        case .running: expiresAt.map { $0 <= now } ?? false ? nil : .running
        case .pausing: .running
        case .paused, .resuming: .paused
        case .failed: artifact == nil ? nil : .paused
        case .pending, .stopping, .terminated: nil
        }
    }
}

/// Tells of sandboxes as the E2B API writes them. What is not there is left out: SDKs stumble over nulls.
struct E2BTeller: Sendable {
    /// What the hosts of sandboxes end with.
    let domain: String
    let configuration: ServerConfiguration.E2B

    /// A sandbox as an answer to what was asked of it.
    struct Made: Encodable {
        var templateID: String
        var sandboxID: String
        var clientID = ""
        var envdVersion: String
        var domain: String
        var envdAccessToken: String?
        var trafficAccessToken: String?
    }

    /// A sandbox as it is listed, and with the rest as it is got.
    struct Described: Encodable {
        struct Lifecycle: Encodable {
            var autoResume: Bool
            var onTimeout: String
        }

        var templateID: String
        var sandboxID: String
        var clientID = ""
        var startedAt: String
        var endAt: String
        var cpuCount: Int
        var memoryMB: Int
        var diskSizeMB: Int
        var metadata: [String: String]
        var state: E2BState
        var envdVersion: String
        var domain: String?
        var envdAccessToken: String?
        var trafficAccessToken: String?
        var lifecycle: Lifecycle?
        /// What a pause has kept.
        var pauseMode: String?
    }

    func made(_ sandbox: Sandbox) -> Made {
        Made(
            templateID: sandbox.e2bTemplate,
            sandboxID: sandbox.id,
            envdVersion: envdVersion(sandbox),
            domain: domain,
            envdAccessToken: sandbox.spec.access?.token,
            trafficAccessToken: sandbox.spec.access?.trafficToken
        )
    }

    func listed(_ sandbox: Sandbox, _ state: E2BState) -> Described {
        let size = E2BSize(sandbox.spec.resourceLimits)
        return Described(
            templateID: sandbox.e2bTemplate,
            sandboxID: sandbox.id,
            startedAt: sandbox.createdAt.rfc3339,
            endAt: Self.end(sandbox, state),
            cpuCount: size.cpuCount,
            memoryMB: size.memoryMB,
            diskSizeMB: size.diskSizeMB,
            metadata: sandbox.e2bMetadata,
            state: state,
            envdVersion: envdVersion(sandbox)
        )
    }

    func described(_ sandbox: Sandbox, _ state: E2BState) -> Described {
        var described = listed(sandbox, state)
        described.domain = domain
        described.envdAccessToken = sandbox.spec.access?.token
        described.trafficAccessToken = sandbox.spec.access?.trafficToken
        described.lifecycle = .init(
            autoResume: sandbox.spec.wakesOnTraffic,
            onTimeout: (sandbox.spec.timeout?.action ?? .delete).rawValue
        )
        // Only what has been captured is told, and that is files.
        described.pauseMode = sandbox.status.state == .paused ? "filesystem" : nil
        return described
    }

    private func envdVersion(_ sandbox: Sandbox) -> String {
        if let version = sandbox.spec.extensions[E2BExtension.envdVersion] { return version }
        return sandbox.spec.template.flatMap { configuration.templates[$0]?.envdVersion }
            ?? ServerConfiguration.E2B.Template.usualEnvdVersion
    }

    /// The end of time of a sandbox that has none, as OpenKruise Agents writes it.
    private static let never = "0001-01-01T00:00:00.000Z"
    /// A paused sandbox is kept for ever, and OpenKruise Agents takes that for so many years.
    private static let forever: Double = 100 * 365 * 86_400

    private static func end(_ sandbox: Sandbox, _ state: E2BState) -> String {
        if sandbox.spec.extensions[E2BExtension.neverTimeout] == "true" { return never }
        guard sandbox.status.state == .paused || sandbox.status.state == .failed else {
            return (sandbox.pausesAt ?? sandbox.expiresAt)?.rfc3339 ?? never
        }
        return (sandbox.expiresAt ?? sandbox.status.lastTransitionAt.addingTimeInterval(forever)).rfc3339
    }
}

extension Sandbox {
    /// What it was created from.
    fileprivate var e2bTemplate: String { spec.template ?? spec.snapshotID ?? spec.image }

    /// The metadata, with labels that were asked for as such.
    var e2bMetadata: [String: String] {
        let labels = spec.extensions.compactMap { key, value in
            key.hasPrefix(E2BExtension.labelPrefix)
                ? (String(key.dropFirst(E2BExtension.labelPrefix.count)), value) : nil
        }
        return spec.metadata.merging(labels) { mine, _ in mine }
    }
}

/// How large sandboxes are, in the units of the API.
struct E2BSize: Equatable {
    var cpuCount: Int
    var memoryMB: Int
    var diskSizeMB: Int

    /// Reads limits. Without one a sandbox may have what the machine has.
    init(_ limits: [String: String]) {
        func quantity(_ name: String) -> Quantity? { limits[name].flatMap { Quantity($0) } }
        cpuCount = quantity("cpu").map { max(1, $0.milli / 1000) } ?? ProcessInfo.processInfo.processorCount
        let memory = quantity("memory").map(\.approximate) ?? Double(ProcessInfo.processInfo.physicalMemory)
        memoryMB = Int(min(memory / 1_048_576, 1e12))
        diskSizeMB = Int(min((quantity("ephemeral-storage")?.approximate ?? 0) / 1_048_576, 1e12))
    }
}
