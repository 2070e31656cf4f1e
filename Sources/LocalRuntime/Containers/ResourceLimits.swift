// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

public import SandboxModels

/// How much of the machine a sandbox may use.
public struct ResourceLimits: Sendable, Hashable {
    /// Thousandths of a CPU; nil is no limit.
    public var milliCPU: Int64?
    /// Bytes of memory, swap included; nil is no limit.
    public var memoryBytes: Int64?
    /// Processes and threads. A sandbox always has such a limit, so that a fork bomb stays its own problem.
    public var processes: Int64

    /// The number of processes and threads that a sandbox may have unless something else was said.
    public static let defaultProcesses: Int64 = 4096
    /// The range of `cpu` in thousandths: the kernel's scheduler takes no less, and no machine has more.
    public static let milliCPURange: ClosedRange<Int64> = 1...1_024_000
    /// The range of `memory` in bytes: with less than 6 MiB the OCI runtime itself does not come up.
    public static let memoryRange: ClosedRange<Int64> = 6 * 1024 * 1024...Int64.max / 4096 * 4096

    /// Creates limits from their values.
    public init(
        milliCPU: Int64? = nil,
        memoryBytes: Int64? = nil,
        processes: Int64 = ResourceLimits.defaultProcesses
    ) {
        self.milliCPU = milliCPU
        self.memoryBytes = memoryBytes
        self.processes = processes
    }

    /// Reads limits by resource name, as `SandboxSpec.resourceLimits` has them.
    ///
    /// - Throws: `SandboxError` with the code `invalidParameter` that names the resources that this runtime does not
    ///   know, or the one whose amount cannot be read or is out of range.
    public init(_ amounts: [String: String]) throws(SandboxError) {
        self.init()
        let unknown = amounts.keys.filter { $0 != "cpu" && $0 != "memory" }.sorted()
        guard unknown.isEmpty else {
            let names = unknown.map { "`\($0)`" }.joined(separator: ", ")
            throw SandboxError(
                .invalidParameter,
                "The resource limits \(names) are not known to this runtime. It knows `cpu` and `memory`."
            )
        }
        milliCPU = try Self.amount("cpu", in: amounts, unit: 1_000_000, range: Self.milliCPURange) {
            "\($0)m"
        }
        memoryBytes = try Self.amount("memory", in: amounts, unit: 1_000_000_000, range: Self.memoryRange) {
            "\($0) bytes"
        }
    }

    /// One amount in whole units of `unit` billionths, or nil if none was given.
    private static func amount(
        _ name: String,
        in amounts: [String: String],
        unit: UInt128,
        range: ClosedRange<Int64>,
        describe: (Int64) -> String
    ) throws(SandboxError) -> Int64? {
        guard let text = amounts[name] else { return nil }
        let value: UInt128
        do {
            value = try ResourceQuantity(parsing: text).roundedUp(toMultiplesOf: unit)
        } catch {
            throw SandboxError(
                .invalidParameter,
                "The resource limit `\(name)` cannot be read.",
                cause: error,
                tellsCause: true
            )
        }
        guard let amount = Int64(exactly: value), range.contains(amount) else {
            throw SandboxError(
                .invalidParameter,
                "The resource limit `\(name)` is `\(text)`, which is not between \(describe(range.lowerBound)) and "
                    + "\(describe(range.upperBound))."
            )
        }
        return amount
    }
}

extension ResourceLimits {
    /// The scheduling period over which a CPU limit is enforced, in microseconds.
    static let cpuPeriod: UInt64 = 100_000

    /// Microseconds of CPU time a period; nil is no limit. The kernel takes no less than 1 ms.
    var cpuQuota: Int64? {
        milliCPU.map { max($0 * Int64(Self.cpuPeriod) / 1000, 1000) }
    }

    /// The weight against other groups when CPUs are short, in the kernel's range of 2 to 262,144.
    var cpuShares: UInt64? {
        milliCPU.map { UInt64(min(max($0 * 1024 / 1000, 2), 262_144)) }
    }
}
