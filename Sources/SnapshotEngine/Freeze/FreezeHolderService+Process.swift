// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Glibc
import Logging
import UnixSignals

extension FreezeHolderService {
    /// What the kernel is told of how much this process is worth when memory runs out. It needs little, and without it what
    /// is frozen stays so until its client notices.
    private static let outOfMemoryScore = "-900"
    /// What the process is called in `ps` and `top`; at most 15 bytes.
    private static let processName = "stasis-holder"

    /// Makes this process a holder, until its client ends or a SIGTERM or SIGINT comes, and everything is thawed that is not
    /// sealed. Programs whose freezes are held by a copy of themselves offer this as their subcommand `hold`
    /// (`HolderCommand`).
    ///
    /// - Parameters:
    ///   - socket: containerd's socket.
    ///   - namespace: The containers' containerd namespace.
    /// - Throws: What `run` throws.
    public static func runProcess(containerdSocket socket: String, containerdNamespace namespace: String) async throws {
        let service = FreezeHolderService(
            containerdSocket: socket,
            containerdNamespace: namespace,
            logger: becomeHolder()
        )
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            group.addTask { for await _ in signals { return } }
            // The first to end ends the other; leaving the group waits for the thaw.
            try await group.next()
            group.cancelAll()
            try await group.waitForAll()
        }
    }

    /// Gives this process a holder's name and worth.
    ///
    /// - Returns: Where its remarks go.
    static func becomeHolder() -> Logger {
        write(outOfMemoryScore, to: "/proc/self/oom_score_adj")
        write(processName, to: "/proc/self/comm")
        return Logger(label: processName) { LossyLogHandler(label: $0, descriptor: STDERR_FILENO) }
    }

    /// Writes into a file of the kernel's. That it may not is no failure: the process only runs less well.
    private static func write(_ text: String, to path: String) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        _ = Glibc.write(descriptor, text, text.utf8.count)
    }
}
