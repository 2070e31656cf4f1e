// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import TestSupport
import Testing

@testable import LocalRuntime

/// Quantities and paths that nobody meant.
@Suite("Values of requests that nobody meant")
struct ResourceFuzzTests {
    @Test("A quantity is a limit that can be set, or refused as the owner's mistake")
    func quantities() {
        var mutator = Mutator(
            seed: 6,
            fragments: [
                "0", "9", "99999999999999999999", ".", "-", "+", "e", "E9", "e-9", "e400", "m", "n", "u", "k", "M",
                "Gi", "Ti",
                "Ei", "Eii", " ", "\0", "٣", "½", "é", "0x1", "inf", "nan", "1_000",
            ]
        )
        var budget = FuzzBudget(20_000)
        var outcomes = [true: 0, false: 0]
        while budget.goesOn() {
            let name = mutator.one(of: ["cpu", "memory"])
            let text = mutator.text(of: ["500m", "1", "2Gi", "0.5", "128Mi", "1e3", "1500M", "64"])
            do throws(SandboxError) {
                let limits = try ResourceLimits([name: text])
                #expect((limits.cpuQuota ?? 1) > 0 && (limits.memoryBytes ?? 1) > 0, "\(name) \(text)")
                outcomes[true, default: 0] += 1
            } catch {
                #expect(error.code == .invalidParameter && !error.message.isEmpty, "\(name) \(text)")
                outcomes[false, default: 0] += 1
            }
        }
        #expect(outcomes[true, default: 0] > 100 && outcomes[false, default: 0] > 100, "\(outcomes)")
    }

    @Test("A mount path is one beneath the root and none of the runtime's own, or refused")
    func mountPaths() {
        var mutator = Mutator(
            seed: 7,
            fragments: [
                "/", "//", ".", "..", "/../", "/./", "\0", "é", "/proc", "/sys", "/dev", "/etc/hosts", "a", "\u{301}",
            ]
        )
        var budget = FuzzBudget(20_000)
        var taken = 0
        while budget.goesOn() {
            let text = mutator.text(of: ["/mnt/data", "/workspace", "/a/b/c", "/proc/x", "/etc/hosts"])
            guard let path = try? MountPath(text) else { continue }
            taken += 1
            let names = path.text.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            #expect(
                path.text.hasPrefix("/") && !names.isEmpty && !names.contains { ["", ".", ".."].contains($0) },
                "\(text)"
            )
            #expect(!["proc", "sys", "dev"].contains(names.first ?? ""), "\(text)")
        }
        #expect(taken > 100)
    }
}
