// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import WebSockets

/// Compiled, and not run.
func exampleOfWebSockets() async throws {
    let client = WebSocketClient(host: "127.0.0.1", port: 8080)
    try await client.connect("/terminal") { socket in
        try await socket.send(.text("ls\n"))
        for try await message in socket.messages {
            print(message)
        }
    }
}
