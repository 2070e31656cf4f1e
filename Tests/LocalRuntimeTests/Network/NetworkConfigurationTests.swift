// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import Testing

import class Foundation.JSONDecoder
import class Foundation.JSONEncoder

@testable import LocalRuntime

@Suite("Configuration of the network and messages of its plugins")
struct NetworkConfigurationTests {
    @Test(
        "subnets that can hold sandboxes",
        arguments: ["10.89.0.0/24", "10.0.0.0/8", "172.16.0.0/12", "192.168.3.248/29", "192.168.3.240/28"]
    )
    func subnet(text: String) throws {
        #expect(try NetworkConfiguration(stateFolder: "/x", subnet: text).subnet == text)
    }

    @Test(
        "what is no such subnet is refused",
        arguments: [
            "", "10.89.0.0", "10.89.0.0/", "10.89.0.0/24/1", "10.89.0.1/24", "10.89.0.0/7", "10.89.0.0/30",
            "256.0.0.0/8",
            "10.89.0/24", "10.089.0.0/24", "10.89.0.0/024", "10.89.0.0/+24", "fd00::/64", "a.b.c.d/8", " 10.89.0.0/24",
        ]
    )
    func badSubnet(text: String) {
        #expect(throws: SandboxError.self) { try NetworkConfiguration(stateFolder: "/x", subnet: text) }
    }

    @Test(
        "what the kernel would not take as an interface is refused",
        arguments: ["", ".", "..", "a/b", "bridge-too-long0", "a b", "ü0", "a:1"]
    )
    func badBridge(name: String) {
        #expect(throws: SandboxError.self) { try NetworkConfiguration(stateFolder: "/x", bridge: name) }
    }

    @Test("an address is read from the results of the plugins' versions")
    func results() throws {
        let older =
            #"{"cniVersion":"0.4.0","ips":[{"version":"6","address":"fd00::2/64"},"#
            + #"{"version":"4","interface":2,"address":"10.89.0.2/24","gateway":"10.89.0.1"}],"dns":{}}"#
        let newer = #"{"cniVersion":"1.0.0","interfaces":[],"ips":[{"interface":2,"address":"10.89.0.3/24"}]}"#
        func address(_ text: String) throws -> String? {
            try JSONDecoder().decode(PluginResult.self, from: .init(text.utf8)).address?.description
        }
        #expect(try address(older) == "10.89.0.2")
        #expect(try address(newer) == "10.89.0.3")
        #expect(try address(#"{"cniVersion":"1.0.0"}"#) == nil)
        #expect(try address(#"{"ips":[{"address":"10.89.0.300/24"}]}"#) == nil)
    }
}
