// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Subprocess
import SystemPackage

/// The program `stasis-server` that was built beside the tests.
enum ServerProgram {
    /// How it ended, and what it printed.
    struct Result: Sendable {
        var isSuccess: Bool
        var output: String
        var error: String
    }

    static var path: String {
        URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(path: "stasis-server").path
    }

    /// Runs `stasis-server registry ...` to its end.
    static func registry(_ arguments: String..., environment: [Environment.Key: String?] = [:]) async throws -> Result {
        let result = try await run(
            .path(FilePath(path)),
            arguments: Arguments(["registry"] + arguments),
            environment: .inherit.updating(environment),
            output: .string(limit: 16 << 20),
            error: .string(limit: 1 << 20)
        )
        return Result(
            isSuccess: result.terminationStatus.isSuccess,
            output: result.standardOutput,
            error: result.standardError
        )
    }
}
