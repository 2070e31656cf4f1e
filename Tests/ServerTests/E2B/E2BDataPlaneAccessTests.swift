// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import HTTPTypes
import SandboxModels
import Testing

import struct Foundation.Date

@testable import Server

/// Who may reach the ports of a sandbox.
@Suite struct E2BDataPlaneAccessTests {
    private static func allows(
        _ port: Int,
        _ target: String = "/",
        _ method: HTTPRequest.Method = .get,
        headers: [String: String] = [:],
        closesAllPorts: Bool = false,
        at seconds: Double = 1_900_000_000
    ) -> Bool {
        let access = SandboxAccess(token: "secret-token", closesAllPorts: closesAllPorts)
        var head = HTTPRequest(method: method, scheme: nil, authority: nil, path: target)
        for (name, value) in headers { if let name = HTTPField.Name(name) { head.headerFields[name] = value } }
        return E2BDataPlaneAccess(access: access, now: Date(timeIntervalSince1970: seconds))
            .allows(head, port: port, target: target)
    }

    @Test(arguments: [49_983, 49_999]) func agentsWantTheToken(port: Int) {
        #expect(Self.allows(port, headers: ["X-Access-Token": "secret-token"]))
        #expect(!Self.allows(port))
        #expect(!Self.allows(port, headers: ["X-Access-Token": "secret-tokem"]))
        #expect(!Self.allows(port, headers: ["X-Access-Token": ""]))
        #expect(!Self.allows(port, headers: ["E2b-Traffic-Access-Token": "secret-token"]))
    }

    @Test func otherPortsAreEverybodysUnlessTheyAreClosed() throws {
        let token = try #require(SandboxAccess(token: "secret-token", closesAllPorts: true).trafficToken)
        #expect(token.count == 64)
        #expect(Self.allows(80))
        #expect(!Self.allows(80, closesAllPorts: true))
        #expect(!Self.allows(80, headers: ["X-Access-Token": "secret-token"], closesAllPorts: true))
        #expect(Self.allows(80, headers: ["E2b-Traffic-Access-Token": token], closesAllPorts: true))
        #expect(!Self.allows(49_983, headers: ["X-Access-Token": token], closesAllPorts: true))
    }

    /// The signatures are those of the official SDK.
    @Test func linksToFilesAreSigned() {
        let read =
            "/files?path=%2Fhome%2Fuser%2Fa%20b.txt&username=user&signature=v1_Y8IQlyJqKv53mNXK%2F5F%2BX%2FAcrsOQon44dTy59t1O9Hw"
        #expect(Self.allows(49_983, read))
        #expect(!Self.allows(49_983, read, .post))
        #expect(!Self.allows(49_983, read, .put))
        #expect(!Self.allows(49_983, read.replacing("username=user", with: "username=root")))
        #expect(!Self.allows(49_983, read + "&path=%2Fetc%2Fshadow"))
        #expect(!Self.allows(49_983, read.replacing("/files?", with: "/files/?")))
        #expect(!Self.allows(49_983, "/files?path=%2Fhome%2Fuser%2Fa%20b.txt&username=user"))
        #expect(!Self.allows(49_983, "/process.Process/Start?" + read.dropFirst(7)))
        let write =
            "/files?path=%2Fx&signature_expiration=2000000000&signature=v1_u6GXC8qboFsumisxV9jTyTFQi4uWVG6InJ7RwL6BG30"
        #expect(Self.allows(49_983, write, .post, at: 1_999_999_999))
        #expect(!Self.allows(49_983, write, .post, at: 2_000_000_001))
        #expect(!Self.allows(49_983, write.replacing("2000000000", with: "3000000000"), .post))
        #expect(!Self.allows(49_983, write, .get))
    }

    @Test func tokensAreNotAlike() {
        let tokens = Set((0..<100).map { _ in SandboxAccess.random().token })
        #expect(tokens.count == 100)
        #expect(tokens.filter { $0.count != 64 }.isEmpty)
        #expect("\(SandboxAccess.random())" == "by token")
    }
}
