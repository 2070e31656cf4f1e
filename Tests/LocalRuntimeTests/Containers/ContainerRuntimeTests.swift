// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import OCIRegistry
import SandboxModels
import SnapshotEngine
import TestSupport
import Testing

@testable import LocalRuntime

/// Sandboxes on a real containerd. It needs root.
@Suite("Sandboxes as containers of this machine", .serialized)
struct ContainerRuntimeTests {
    private static let web = SandboxSpec(image: "busybox", entrypoint: ["httpd", "-f", "-p", "8080", "-h", "/www"])

    @Test("a sandbox is reached at its address, and nothing is left when it is removed")
    func reachable() async throws {
        try await Machine.run { machine in
            let image = try await machine.busybox()
            let before = try await Inventory(machine)
            let running = try await machine.runtime.create("web", Self.web, from: image)
            #expect(running.id == "web")
            #expect(try await machine.fetch("\(running.address):8080", "/ping") == "pong\n")
            #expect(try await machine.runtime.status(of: "web") == .running(processID: running.processID))
            let found = try await machine.runtime.list()
            #expect(
                found == [
                    FoundContainer(
                        id: "web",
                        status: .running(processID: running.processID),
                        address: running.address,
                        image: image.name
                    )
                ]
            )
            #expect(processesInGroup(of: "web").contains("\(running.processID)"))

            let error = try await #require(throws: SandboxError.self) {
                try await machine.runtime.create("web", Self.web, from: image)
            }
            #expect(error.code == .invalidState)
            #expect(try await machine.fetch("\(running.address):8080", "/ping") == "pong\n", "it still runs")

            try await machine.runtime.remove("web")
            #expect(processesInGroup(of: "web").isEmpty)
            #expect(try await machine.runtime.status(of: "web") == .absent)
            try await Inventory.expect(before, on: machine)
            try await machine.runtime.remove("web")
            try await machine.runtime.remove("never-was")
            try await machine.runtime.remove("../../etc")
        }
    }

    @Test("the program finds the environment, user, groups, folder and files that it should")
    func inside() async throws {
        try await Machine.run { machine in
            let image = try await machine.busybox()
            var asApp = image
            asApp.config.config.user = "app"
            asApp.config.config.workingDir = "/home/app"
            let script = """
                id -u; id -g; id -G; pwd; hostname
                echo "$BASE $GREETING $PATH $HOME $HOSTNAME"
                cat /etc/hostname; grep -c inside /etc/hosts; hostname -i
                echo hello >greeting && cat greeting
                touch /root/x 2>/dev/null || echo confined
                grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t'
                cat /sys/class/net/lo/operstate; cat /proc/sys/net/ipv4/ping_group_range | tr '\\t' ' '
                httpd -p 127.0.0.1:80 -h /www && nc 127.0.0.1 80 </dev/null && echo "low port"
                unshare -U true 2>/dev/null || echo "no user namespaces"
                ulimit -Hn
                echo END
                exec sleep 1000
                """
            let sandbox = SandboxSpec(
                image: "busybox",
                entrypoint: ["sh", "-c", script],
                environment: ["GREETING": "a b", "HOSTNAME": "named"]
            )
            let running = try await machine.runtime.create("inside", sandbox, from: asApp)
            let lines = try await machine.log(of: "inside")
            #expect(lines.prefix(5) == ["1000", "1000", "1000 1001", "/home/app", "inside"])
            #expect(lines.dropFirst(5).first == "busybox a b /bin /home/app named")
            #expect(lines.dropFirst(6).prefix(3) == ["inside", "1", running.address])
            #expect(lines.dropFirst(9).prefix(2) == ["hello", "confined"])
            #expect(
                lines.dropFirst(11).prefix(4)
                    == ["CapEff:0000000000000000", "CapBnd:00000000880405fb", "NoNewPrivs:1", "Seccomp:2"]
            )
            #expect(lines.dropFirst(15).prefix(4) == ["unknown", "0 2147483647", "low port", "no user namespaces"])
            #expect(lines.last == "\(MachineFeatures.current().openFiles)")
            try await machine.runtime.remove("inside")
        }
    }

    @Test("limits reach the kernel, and who takes more memory is killed")
    func limits() async throws {
        try await Machine.run { machine in
            let image = try await machine.busybox()
            let before = try await Inventory(machine)
            let hog = SandboxSpec(
                image: "busybox",
                entrypoint: ["tail", "/dev/zero"],
                resourceLimits: ["memory": "32Mi", "cpu": "250m"]
            )
            _ = try await machine.runtime.create("hog", hog, from: image)
            let exit = try await machine.runtime.waitForExit(of: "hog")
            #expect(exit.code == 137)
            #expect(exit.at != nil)
            #expect(try await machine.runtime.status(of: "hog") == .stopped(exit))
            try await machine.runtime.remove("hog")

            var calm = hog
            calm.entrypoint = ["sleep", "1000"]
            _ = try await machine.runtime.create("calm", calm, from: image)
            let groups = [
                ("cpu/stasis/calm/cpu.cfs_quota_us", "25000"), ("memory/stasis/calm/memory.limit_in_bytes", "33554432"),
                ("pids/stasis/calm/pids.max", "4096"), ("stasis/calm/cpu.max", "25000 100000"),
                ("stasis/calm/memory.max", "33554432"), ("stasis/calm/pids.max", "4096"),
            ]
            let seen = groups.compactMap { file, value -> Bool? in
                (try? String(contentsOfFile: "/sys/fs/cgroup/\(file)", encoding: .utf8)).map { $0 == "\(value)\n" }
            }
            #expect(seen == [true, true, true], "three limits, by either version of control groups")
            try await machine.runtime.remove("calm")
            try await Inventory.expect(before, on: machine)
        }
    }

    @Test("a sandbox that cannot start says why and leaves nothing behind")
    func failures() async throws {
        try await Machine.run { machine in
            let image = try await machine.busybox()
            let before = try await Inventory(machine)
            func failure(
                _ sandbox: SandboxSpec,
                _ change: (inout LocalImage) -> Void = { _ in }
            ) async throws -> SandboxError {
                var image = image
                change(&image)
                let error = try await #require(throws: SandboxError.self) {
                    try await machine.runtime.create("fails", sandbox, from: image)
                }
                try await Inventory.expect(before, on: machine, "\(error)")
                return error
            }
            let missing = try await failure(SandboxSpec(image: "busybox", entrypoint: ["/no/such/program"]))
            #expect(missing.code == .startFailed)
            #expect("\(missing)".contains("/no/such/program"), "\(missing)")

            let folder = try await failure(SandboxSpec(image: "busybox", entrypoint: ["/www"]))
            #expect("\(folder)".contains("/www"), "\(folder)")

            let user = try await failure(Self.web) { $0.config.config.user = "nobody-here" }
            #expect(user.code == .imageUnavailable)
            #expect("\(user)".contains("`nobody-here`"), "\(user)")

            let limit = try await failure(SandboxSpec(image: "busybox", resourceLimits: ["gpu": "1"]))
            #expect(limit.code == .invalidParameter)

            let gone = try await failure(Self.web) {
                $0.config.rootfs.diffIDs = [.sha256(of: [1])]
            }
            #expect(gone.code == .startFailed)
            #expect("\(gone)".contains("snapshot"), "\(gone)")
        }
    }

    @Test("ends are followed as they happen, each once, with their codes")
    func exits() async throws {
        try await Machine.run { machine in
            let image = try await machine.busybox()
            let before = try await Inventory(machine)
            let runtime = machine.runtime
            let codes = try await runtime.withExits { exits in
                for code in 0..<4 {
                    let sandbox = SandboxSpec(image: "busybox", entrypoint: ["sh", "-c", "sleep 0; exit \(code)"])
                    _ = try await runtime.create("exit\(code)", sandbox, from: image)
                }
                var codes: [String: UInt32?] = [:]
                for try await end in exits {
                    #expect(codes[end.id] == nil)
                    codes[end.id] = end.exit.code
                    if codes.count == 4 { break }
                }
                return codes
            }
            #expect(codes == ["exit0": 0, "exit1": 1, "exit2": 2, "exit3": 3])
            for code in 0..<4 {
                #expect(try await runtime.waitForExit(of: "exit\(code)").code == UInt32(code))
                try await runtime.remove("exit\(code)")
            }
            await #expect(throws: SandboxError.self) { try await runtime.waitForExit(of: "exit0") }
            try await Inventory.expect(before, on: machine)
        }
    }

    @Test("several at once have addresses of their own, reach each other, and go at once")
    func several() async throws {
        try await Machine.run { machine in
            let image = try await machine.busybox()
            let before = try await Inventory(machine)
            let names = (0..<6).map { "box\($0)" }
            let addresses = try await withThrowingTaskGroup(of: String.self) { group in
                for name in names {
                    group.addTask { try await machine.runtime.create(name, Self.web, from: image).address }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
            #expect(addresses.count == names.count)
            for address in addresses { #expect(try await machine.fetch("\(address):8080", "/ping") == "pong\n") }
            #expect(try await machine.runtime.list().map(\.id) == names)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for name in names { group.addTask { try await machine.runtime.remove(name) } }
                try await group.waitForAll()
            }
            try await Inventory.expect(before, on: machine)
        }
    }

    @Test("what is written is in the snapshot's upper folder, and the generated files are not")
    func upperFolder() async throws {
        try await Machine.run { machine in
            let image = try await machine.busybox()
            let script = "echo mine >/data; echo '1.2.3.4 extra' >>/etc/hosts; echo END; exec sleep 1000"
            let sandbox = SandboxSpec(image: "busybox", entrypoint: ["sh", "-c", script])
            _ = try await machine.runtime.create("writes", sandbox, from: image)
            _ = try await machine.log(of: "writes")
            let options = try await machine.client.snapshotMounts("writes").first?.options ?? []
            let upper = try #require(options.first { $0.hasPrefix("upperdir=") }).dropFirst(9)
            #expect(try String(contentsOfFile: "\(upper)/data", encoding: .utf8) == "mine\n")
            let hosts = try? String(contentsOfFile: "\(upper)/etc/hosts", encoding: .utf8)
            #expect(hosts ?? "" == "", "at most the empty file that was mounted over")
            try await machine.runtime.remove("writes")
        }
    }
}
