// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import KubeClient
import KubeModels
import KubeRuntime
import Logging
import UnixSignals

/// A candidate for leadership, as a process of its own, so that tests can stop it in the middle of everything.
///
/// `kube-candidate KUBECONFIG NAMESPACE LEASE IDENTITY LEASE-SECONDS RENEW-SECONDS RETRY-MILLISECONDS` prints a line when it
/// begins to lead, one each time it does what only the leader may do, and one when that has ended: each with the term and the
/// time by a clock that all processes of the machine share. It ends in good order on SIGTERM.
@main
struct Candidate {
    static func main() async throws { try await run(CommandLine.arguments) }

    @concurrent private static func run(_ arguments: [String]) async throws {
        guard arguments.count == 8, let lease = Int(arguments[5]), let renew = Int(arguments[6]),
            let retry = Int(arguments[7])
        else { exit(64) }
        let configuration = try KubeClientConfiguration(Kubeconfig.load(files: [arguments[1]]))
        let logger = Logger(label: arguments[4]) { StreamLogHandler.standardError(label: $0) }
        let timing = ElectionTiming(
            leaseDuration: .seconds(lease),
            renewDeadline: .seconds(renew),
            retryPeriod: .milliseconds(retry)
        )
        try await withKubeClient(configuration, logger: logger) { client in
            let elector = LeaderElector(
                client.resource(Lease.self, in: .named(arguments[2])),
                name: arguments[3],
                identity: arguments[4],
                timing: timing,
                logger: logger
            )
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    while !Task.isCancelled {
                        // Lost, or told to end: then it is not tried again.
                        try? await elector.run(act)
                    }
                }
                group.addTask {
                    for await _ in await UnixSignalsSequence(trapping: .sigterm) { return }
                }
                // Who tries goes on until it is cancelled.
                await group.next()
                group.cancelAll()
            }
        }
    }

    /// Does what only the leader may do, until it is cancelled.
    @Sendable static func act(_ leadership: Leadership) async throws {
        say("leading", leadership.term, time())
        defer { say("ended", leadership.term, time()) }
        while true {
            // Taken before the check: between the two and the line below the process may be stopped.
            let now = time()
            if leadership.isHeld { say("acting", leadership.term, now) }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// Milliseconds since the machine was started.
    private static func time() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
    }

    /// Prints a line at once.
    private static func say(_ what: String, _ term: Int, _ time: Int) {
        let line = Array("\(what) \(term) \(time)\n".utf8)
        _ = line.withUnsafeBytes { write(1, $0.baseAddress, $0.count) }
    }
}
