// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import ImageBuilder
import TestSupport
import Testing

/// What is read from the headers of programs and libraries.
@Suite struct ELFFileTests {
    @Test func readsWhatAProgramNeeds() throws {
        let sample = SampleELF(
            interpreter: "/lib64/ld-linux-x86-64.so.2",
            needed: ["liba.so.1", "libc.so.6"],
            soname: "self.so",
            runPath: "$ORIGIN:/opt/lib",
            rPath: "/old"
        )
        let file = try sample.read()
        #expect(
            file
                == ELFFile(
                    machine: .amd64,
                    interpreter: "/lib64/ld-linux-x86-64.so.2",
                    soname: "self.so",
                    needed: ["liba.so.1", "libc.so.6"],
                    runPath: ["$ORIGIN", "/opt/lib"],
                    rPath: ["/old"]
                )
        )
        #expect(try SampleELF(machine: 183).read().machine.architecture == "arm64")
        #expect(try SampleELF(machine: 62).read().machine.architecture == "amd64")
    }

    @Test func aStaticProgramNeedsNothing() throws {
        let file = try SampleELF().read()
        #expect(file == ELFFile(machine: .amd64))
    }

    @Test func whatIsNoneOfOursIsSaidSo() {
        func problem(_ bytes: [UInt8]) -> ELFProblem? {
            #expect(throws: ELFProblem.self) { try SampleELF.read(bytes) }
        }
        #expect(problem([]) == .notELF)
        #expect(problem(Array("#!/bin/sh\n".utf8)) == .notELF)
        var bytes = SampleELF(needed: ["a"]).bytes
        #expect(problem(Array(bytes.prefix(40))) == .malformed("it ends within its header"))
        #expect(problem(Array(bytes.prefix(80))) == .malformed("its program header table is beyond its end"))
        bytes[4] = 1
        #expect(problem(bytes) == .unsupported("a class other than 64-bit"))
        bytes[4] = 2
        bytes[5] = 2
        #expect(problem(bytes) == .unsupported("a byte order other than little-endian"))
        bytes[5] = 1
        bytes[18] = 3
        #expect(problem(bytes) == .unsupported("the processor type 3"))
        bytes[18] = 62
        bytes[16] = 1
        #expect(problem(bytes) == .unsupported("the file type 1"))
    }

    /// Damaged in any way, a file is read as something or refused with a reason. It never ends the process, and no more is
    /// read of it than a bounded number of bounded ranges.
    @Test func garbageIsRefusedAndHarmsNobody() throws {
        var random = SeededGenerator(seed: 0xE1F)
        let samples = [
            SampleELF(interpreter: "/lib/ld.so", needed: ["a.so", "b.so"], soname: "c", runPath: "/x:/y", rPath: "/z"),
            SampleELF(needed: ["libc.so.6"]),
            SampleELF(),
        ].map(\.bytes)
        let edges: [UInt64] = [0, 1, 55, 56, 0xff, 0x7fff_ffff_ffff_ffff, .max, .max - 15, 1 << 32, 1 << 62]
        var (read, refused) = (0, 0)
        for round in 0..<40_000 {
            var bytes = samples[round % samples.count]
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let at = Int.random(in: 4..<max(5, bytes.count), using: &random)
                guard at < bytes.count else { continue }
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes[at] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes[at] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                case 2:
                    // A whole number, where most of the format's numbers are.
                    let value = edges.randomElement(using: &random) ?? 0
                    let start = at & ~7
                    for (index, byte) in withUnsafeBytes(of: value.littleEndian, Array.init).enumerated()
                    where start + index < bytes.count { bytes[start + index] = byte }
                default: bytes.removeSubrange(at...)
                }
            }
            var ranges = 0
            do {
                _ = try ELFFile { offset, count in
                    ranges += 1
                    #expect(count <= 2 << 20)
                    return SampleELF.range(of: bytes, offset, count)
                }
                read += 1
            } catch is ELFProblem {
                refused += 1
            }
            #expect(ranges <= 64 << 10)
        }
        // It reaches both: else the mutations are too weak, or too strong.
        #expect(read > 1000)
        #expect(refused > 1000)
    }
}
