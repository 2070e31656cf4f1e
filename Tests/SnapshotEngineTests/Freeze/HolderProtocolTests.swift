// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Glibc
import NIOCore
import TestSupport
import Testing

@testable import SnapshotEngine

@Suite("The holder's protocol")
struct HolderProtocolTests {
    @Test("Errors arrive as what they were")
    func errors() throws {
        let cause = ContainerdError(
            .deadlineExceeded,
            operation: "Tasks.Pause",
            subject: "container x",
            message: "too late",
            advice: "Wait"
        )
        let errors: [any Error] = [
            FreezeError.invalidID("ä"), FreezeError.noContainers, FreezeError.deadlineInThePast(id: "x"),
            FreezeError.alreadyUsed(id: "x"), FreezeError.notRunning(container: "x", status: .stopped),
            FreezeError.notRunning(container: "x", status: nil), FreezeError.alreadyFrozen(container: "x"),
            FreezeError.incomplete(container: "x", cause: cause), FreezeError.interrupted(id: "x"),
            FreezeError.notFrozen(id: "x"), FreezeError.notSealed(id: "x"), FreezeError.sealed(id: "x"),
            FreezeError.stillFrozen(container: "x", cause: cause), FreezeError.holderLost(id: "x"),
            FreezeError.holderUnavailable("why"), cause, Unknown(),
        ]
        for error in errors {
            let message = HolderMessage.answer(number: 7, .failed(HolderFailure(error)))
            var line = HolderLine.encode(message)
            #expect(line.readableBytesView.last == UInt8(ascii: "\n"))
            let read = try HolderLine.decode(HolderMessage.self, from: line.readSlice(length: line.readableBytes - 1)!)
            #expect(read == message)
            guard case .answer(7, .failed(let failure)) = read else { continue }
            #expect("\(failure.error)" == "\(error)")
            #expect(type(of: failure.error) == type(of: error) || error is Unknown)
        }
        guard case FreezeError.incomplete(_, let kept) = HolderFailure(errors[7]).error else {
            Issue.record("the cause is lost")
            return
        }
        #expect((kept as? ContainerdError)?.code == .deadlineExceeded)
        #expect((kept as? ContainerdError)?.advice == "Wait")
    }

    private struct Unknown: Error {}

    /// Starts a holder, sends bytes, and returns what it answers until it ends.
    private func answers(to bytes: [UInt8], in daemon: ContainerdDaemon) async throws -> String {
        let (process, socket) = try await HolderProcess.start(
            HolderCommand.built.executable,
            arguments: [
                "holder", "hold", "--containerd-socket", daemon.socket, "--containerd-namespace", daemon.namespace,
            ]
        )
        let text = await onOwnThread {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
                guard count > 0 else { break }
                rest = rest.dropFirst(count)
            }
            var answers: [UInt8] = []
            var buffer = [UInt8](repeating: 0, count: 65_536)
            while case let count = read(socket, &buffer, buffer.count), count > 0 { answers += buffer[..<count] }
            close(socket)
            return String(decoding: answers, as: UTF8.self)
        }
        await process.ended.wait()
        return text
    }

    @Test("Nonsense is answered, and ends the holder without a crash")
    func nonsense() async throws {
        let daemon = try await ContainerdDaemon.shared()
        var random = SeededRandom(4711)
        let valid = HolderLine.encode(HolderRequest(number: 1, order: .ping)).readableBytesView
        var inputs: [[UInt8]] = [
            Array("\n".utf8), Array("{}\n".utf8), Array("{\"number\":1,\"order\":{\"fly\":{}}}\n".utf8),
            Array("{\"number\":-1,\"order\":{\"ping\":{}}}\n".utf8),
            [UInt8](repeating: UInt8(ascii: "x"), count: HolderLine.longest + 2),
            Array(
                "{\"number\":1,\"order\":{\"freeze\":{\"id\":\"x\",\"owner\":\"\",\"containers\":[],\"deadline\":1e400}}}\n"
                    .utf8
            ),
        ]
        for _ in 0..<6 {
            var bytes = Array(valid)
            for _ in 0..<3 {
                bytes[Int.random(in: 0..<bytes.count - 1, using: &random)] = .random(in: 0x80...0xFF, using: &random)
            }
            inputs.append(Array(valid) + bytes)
        }
        for bytes in inputs {
            let text = try await answers(to: bytes, in: daemon)
            let lines = text.split(separator: "\n")
            #expect(lines.first == "{\"ready\":{}}", "\(text)")
            // What is too long is not read to its end, and so not answered.
            #expect(lines.last?.contains("malformed") == true || bytes.count > HolderLine.longest, "\(text)")
        }
    }

    @Test("Requests about what there is not are answered")
    func unknown() async throws {
        let daemon = try await ContainerdDaemon.shared()
        let far = HolderOrder.freeze(id: "far", owner: "x", containers: ["nobody"], deadline: .max)
        let past = HolderOrder.freeze(id: "past", owner: "x", containers: ["nobody"], deadline: .min)
        let orders: [HolderOrder] = [.check(id: "x"), .seal(id: "x"), .thaw(id: "x"), .kill(id: "x"), far, past]
        var bytes: [UInt8] = []
        for (number, order) in orders.enumerated() {
            bytes += HolderLine.encode(HolderRequest(number: UInt64(number), order: order)).readableBytesView
        }
        let text = try await answers(to: bytes + Array("{\"num\n".utf8), in: daemon)
        var answers: [UInt64: HolderAnswer] = [:]
        for line in text.split(separator: "\n") {
            let message = try HolderLine.decode(HolderMessage.self, from: ByteBuffer(string: String(line)))
            if case .answer(let number, let answer) = message { answers[number] = answer }
        }
        #expect(answers[0] == .failed(HolderFailure(FreezeError.notFrozen(id: "x"))))
        #expect(answers[1] == .outcome(.thawed))
        #expect(answers[2] == .done)
        #expect(answers[3] == .failed(HolderFailure(FreezeError.notSealed(id: "x"))))
        guard case .failed = answers[4] else {
            Issue.record("what does not exist was frozen: \(text)")
            return
        }
        #expect(answers[5] == .failed(HolderFailure(FreezeError.deadlineInThePast(id: "past"))))
    }
}

private func onOwnThread<Result: Sendable>(_ body: @escaping @Sendable () -> Result) async -> Result {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}
