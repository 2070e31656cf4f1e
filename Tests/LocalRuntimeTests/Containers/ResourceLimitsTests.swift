// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels
import TestSupport
import Testing

@testable import LocalRuntime

@Suite("Kubernetes quantities and resource limits")
struct ResourceLimitsTests {
    @Test(
        "quantities are read exactly",
        arguments: [
            ("0", 0), ("1", 1_000_000_000), ("+2", 2_000_000_000), ("500m", 500_000_000), ("0.5", 500_000_000),
            (".5", 500_000_000), ("5.", 5_000_000_000), ("1e3", 1_000_000_000_000), ("1E3", 1_000_000_000_000),
            ("1e+3", 1_000_000_000_000), ("25e-1", 2_500_000_000), ("1k", 1_000_000_000_000),
            ("1Ki", 1_024_000_000_000), ("1.5Gi", 1_610_612_736_000_000_000), ("1G", 1_000_000_000_000_000_000),
            ("512Mi", 536_870_912_000_000_000), ("1n", 1), ("0.1n", 1), ("1000u", 1_000_000), ("1e-99", 1),
            ("0e999", 0), ("0001", 1_000_000_000), ("1.50000000000000000000000000000000000000000000", 1_500_000_000),
            ("2E", 2_000_000_000_000_000_000_000_000_000), ("7Ei", 8_070_450_532_247_928_832_000_000_000),
            ("9223372036854775807", 9_223_372_036_854_775_807_000_000_000),
        ] as [(String, UInt128)]
    )
    func quantity(text: String, nanos: UInt128) throws {
        #expect(try ResourceQuantity(parsing: text).nanos == nanos)
    }

    @Test(
        "what is no quantity is refused",
        arguments: [
            "", " ", "m", ".", "-1", "-0", "1 ", " 1", "1 Gi", "1gi", "1ki", "1KI", "1K", "1mi", "1MiB", "0x10", "1e",
            "1e+", "1e1000", "1e3Mi", "1..2", "1.2.3", "1,5", "NaN", "inf", "٣", "1\u{0}", "9223372036854775808",
            "8Ei", "10E", "1e19", "99999999999999999999999999999999999999999999", "one", "++1", "+-1",
        ]
    )
    func malformed(text: String) {
        #expect(throws: SandboxError.self) { try ResourceQuantity(parsing: text) }
    }

    @Test("whatever the notation, the same amount is the same")
    func notations() throws {
        var random = SeededRandom(7)
        for _ in 0..<2000 {
            let amount = UInt64.random(in: 0...(1 << 40), using: &random)
            let plain = try ResourceQuantity(parsing: "\(amount)")
            #expect(plain.nanos == UInt128(amount) * 1_000_000_000)
            #expect(try ResourceQuantity(parsing: "\(amount)000m") == plain)
            #expect(try ResourceQuantity(parsing: "\(amount)000e-3") == plain)
            #expect(try ResourceQuantity(parsing: "\(amount).000") == plain)
            let thousandths = amount % 1000
            let padded = String(repeating: "0", count: 3 - "\(thousandths)".count) + "\(thousandths)"
            #expect(
                try ResourceQuantity(parsing: "\(amount / 1000).\(padded)k") == plain,
                "\(amount / 1000).\(padded)k"
            )
            #expect(try ResourceQuantity(parsing: "\(amount)Ki").nanos == plain.nanos * 1024)
        }
    }

    @Test("random bytes never crash the reader and what it takes reads back the same")
    func fuzz() throws {
        var random = SeededRandom(11)
        let alphabet = Array("0123456789.+-eEmkKMGTPiun ")
        for _ in 0..<20_000 {
            let text = String(
                (0..<Int.random(in: 0...12, using: &random)).map { _ in
                    alphabet[Int.random(in: 0..<alphabet.count, using: &random)]
                }
            )
            guard let quantity = try? ResourceQuantity(parsing: text) else { continue }
            #expect(try ResourceQuantity(parsing: "\(quantity.nanos)n") == quantity, "\(text)")
        }
    }

    @Test(
        "limits are rounded up to what the kernel counts in",
        arguments: [
            (["cpu": "500m"], 500, nil), (["cpu": "2"], 2000, nil), (["cpu": "0.0001"], 1, nil),
            (["memory": "512Mi"], nil, 536_870_912), (["cpu": "1", "memory": "2Gi"], 1000, 2_147_483_648),
            (["memory": "6291456"], nil, 6_291_456), ([:], nil, nil),
        ] as [([String: String], Int64?, Int64?)]
    )
    func limits(amounts: [String: String], milliCPU: Int64?, memory: Int64?) throws {
        let limits = try ResourceLimits(amounts)
        #expect(limits.milliCPU == milliCPU)
        #expect(limits.memoryBytes == memory)
        #expect(limits.processes == ResourceLimits.defaultProcesses)
    }

    @Test(
        "what is out of range or unknown is refused by name",
        arguments: [
            (["cpu": "0"], "`cpu`"), (["cpu": "1025"], "`cpu`"), (["cpu": "fast"], "`cpu`"),
            (["memory": "5Mi"], "`memory`"), (["memory": "0"], "`memory`"), (["memory": "8Ei"], "`memory`"),
            (["gpu": "1"], "`gpu`"), (["cpu": "1", "nvidia.com/gpu": "1", "disk": "1Gi"], "`disk`, `nvidia.com/gpu`"),
        ]
    )
    func refused(amounts: [String: String], name: String) throws {
        let error = try #require(throws: SandboxError.self) { try ResourceLimits(amounts) }
        #expect(error.code == .invalidParameter)
        #expect(error.message.contains(name), "\(error)")
    }

    @Test("a CPU limit becomes time a period and a weight")
    func cpu() {
        let cases: [(Int64, Int64, UInt64)] = [
            (1, 1000, 2), (10, 1000, 10), (500, 50_000, 512), (1000, 100_000, 1024), (1_024_000, 102_400_000, 262_144),
        ]
        for (milli, quota, shares) in cases {
            let limits = ResourceLimits(milliCPU: milli)
            #expect(limits.cpuQuota == quota)
            #expect(limits.cpuShares == shares)
        }
        #expect(ResourceLimits().cpuQuota == nil)
    }
}
