// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

/// What a program or a shared library says of itself, as far as it tells what has to be there for it to start.
public struct ELFFile: Sendable, Hashable {
    /// The processor, as `e_machine` names it.
    public enum Machine: UInt16, Sendable, Hashable {
        /// 64-bit Arm.
        case arm64 = 183
        /// 64-bit PowerPC, little-endian.
        case ppc64le = 21
        /// 64-bit RISC-V.
        case riscv64 = 243
        /// 64-bit x86.
        case amd64 = 62

        /// The word that images use for it, which is Go's.
        public var architecture: String { "\(self)" }
    }

    /// What it runs on.
    public var machine: Machine
    /// The dynamic loader that starts it (`PT_INTERP`), a path; libraries and static programs name none.
    public var interpreter: String?
    /// The name that others need it by (`DT_SONAME`).
    public var soname: String?
    /// The libraries that it needs (`DT_NEEDED`), in its order.
    public var needed: [String]
    /// Where its own needs are searched first (`DT_RUNPATH`), as written.
    public var runPath: [String]
    /// Where the needs of it and of what it loads are searched first (`DT_RPATH`), as written; of no effect beside a
    /// `DT_RUNPATH`.
    public var rPath: [String]

    /// Creates a description.
    public init(
        machine: Machine,
        interpreter: String? = nil,
        soname: String? = nil,
        needed: [String] = [],
        runPath: [String] = [],
        rPath: [String] = []
    ) {
        self.machine = machine
        self.interpreter = interpreter
        self.soname = soname
        self.needed = needed
        self.runPath = runPath
        self.rPath = rPath
    }
}
