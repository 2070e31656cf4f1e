// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeClient
import KubeModels

import struct Foundation.Date

/// Whether this machine, the API server and the nodes tell the same time: deadlines of freezes are told from one to the other.
struct ClockCheck: Sendable {
    private static let kubeletLeases = "kube-node-lease"

    let client: KubeClient

    func findings() async throws -> [DoctorFinding] {
        let before = Date()
        let told = try await client.serverTime()
        let after = Date()
        // It was cut off to seconds, and said at some time between the two.
        let seconds = told.date.timeIntervalSince(before) + 0.5 - after.timeIntervalSince(before) / 2
        let doubt = 0.5 + after.timeIntervalSince(before) / 2
        let own = Self.judge(ahead: seconds, doubt: doubt)
        do {
            let leases = try await client.resource(Lease.self, in: .named(Self.kubeletLeases)).pages().collect().items
            return [own] + Self.judge(leases, now: told, doubt: Date().timeIntervalSince(before) + 1)
        } catch let error as KubeError where [.forbidden, .notServed].contains(error.kind) {
            let remedy = "Run it as an administrator of the cluster."
            return [own, .unchecked(.clocks, "nodes", "their clocks cannot be seen: \(error)", do: remedy)]
        }
    }

    /// - Parameters:
    ///   - seconds: By how much the server's clock is ahead of this machine's.
    ///   - doubt: How wrong that may be.
    static func judge(ahead seconds: Double, doubt: Double) -> DoctorFinding {
        let off = max(0, abs(seconds) - doubt)
        let told =
            "the API server's clock is \(Int(abs(seconds).rounded())) s \(seconds < 0 ? "behind" : "ahead of") this machine's"
        let remedy = "Have both set their clocks by NTP (timedatectl, chronyc tracking)."
        if off >= 30 { return .fault(.clocksFarApart, "this machine", told, do: remedy) }
        if off >= 2 { return .fault(.clocksDiffer, "this machine", told, do: remedy) }
        return .ok(.clocks, "this machine", "it has the API server's time, as exactly as that can be told")
    }

    /// What kubelets have written into their leases, by their own clocks.
    ///
    /// - Parameters:
    ///   - now: The server's time when they were asked for, or a little before.
    ///   - doubt: How much later it may have been.
    static func judge(_ leases: [Lease], now: Timestamp, doubt: Double) -> [DoctorFinding] {
        let late = leases.filter { lease in
            guard let renewed = lease.spec.renewTime else { return false }
            return renewed.date.timeIntervalSince(now.date) > doubt + 2
        }
        guard late.isEmpty else {
            return late.map { lease in
                let seconds = Int((lease.spec.renewTime?.date ?? now.date).timeIntervalSince(now.date))
                return .fault(
                    .nodeClockDiffers,
                    "node \(lease.metadata.name)",
                    "its clock is \(seconds) s ahead of the API server's",
                    do: "Have the node set its clock by NTP (timedatectl, chronyc tracking)."
                )
            }
        }
        guard !leases.isEmpty else { return [.unchecked(.clocks, "nodes", "no kubelet renews a lease")] }
        return [
            .ok(
                .clocks,
                "\(leases.count) nodes",
                "no clock is ahead of the API server's; that one is not behind cannot be seen"
            )
        ]
    }
}
