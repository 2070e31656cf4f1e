// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// Who may reach the ports of a sandbox by way of the server.
public struct SandboxAccess: Sendable, Hashable, Codable {
    /// What whoever speaks to the program that runs commands in it has to know. It is told to its owner only.
    public var token: String
    /// Whether the other ports are closed as well to those who do not know a token.
    public var closesAllPorts: Bool

    /// Creates one.
    public init(token: String, closesAllPorts: Bool = false) {
        self.token = token
        self.closesAllPorts = closesAllPorts
    }

    /// One with a token that nobody can guess.
    public static func random(closesAllPorts: Bool = false) -> SandboxAccess {
        var generator = SystemRandomNumberGenerator()
        let token = (0..<4).map { _ in
            let digits = String(generator.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }
        return SandboxAccess(token: token.joined(), closesAllPorts: closesAllPorts)
    }
}

extension SandboxAccess: CustomStringConvertible {
    /// Without the token, so that it gets into no log.
    public var description: String { closesAllPorts ? "by token, all ports" : "by token" }
}
