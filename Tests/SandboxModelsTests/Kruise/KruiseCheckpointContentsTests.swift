// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// What of a sandbox a checkpoint has.
struct KruiseCheckpointContentsTests {
    private func contents(
        _ wanted: [KruiseContent],
        sandbox: [KruiseContent] = [],
        saved: Set<KruiseContent> = [.filesystem]
    ) throws -> KruiseCheckpointContents {
        try KruiseCheckpointContents(of: wanted, sandbox: sandbox, saved: saved)
    }

    @Test func withoutAWordAllThatCanBeHad() throws {
        let contents = try contents([])
        #expect(contents.captured == [.filesystem] && contents.missing == [.memory])
        #expect(!contents.isExplicit && !contents.isInfoOnly)
        #expect(contents.label == "filesystem")
        let both = try self.contents([], saved: [.filesystem, .memory])
        #expect(both.captured == [.filesystem, .memory] && both.missing == [])
        #expect(both.label == "filesystem-memory")
    }

    @Test func theSandboxsWordCountsWhereThereIsNoOther() throws {
        let contents = try contents([], sandbox: [.ip, .filesystem])
        #expect(contents.captured == [.filesystem] && contents.missing == [] && contents.isExplicit)
        let own = try self.contents([.filesystem], sandbox: [.memory])
        #expect(own.captured == [.filesystem] && own.missing == [])
        // What it says is nothing that a checkpoint has.
        let address = try self.contents([], sandbox: [.ip, .podInfo, KruiseContent(rawValue: "gpu")])
        #expect(address.captured == [.filesystem] && !address.isExplicit)
    }

    @Test func withoutMemoryWhereNobodySavesIt() throws {
        let contents = try contents([.memory, .filesystem])
        #expect(contents.captured == [.filesystem] && contents.missing == [.memory] && contents.isExplicit)
    }

    @Test func memoryAloneIsRefusedWhereNobodySavesIt() throws {
        for sandbox in [[], [KruiseContent.filesystem]] {
            let refusal = #expect(throws: KruiseCheckpointRefusal.self) { try contents([.memory], sandbox: sandbox) }
            #expect(refusal?.problem.reason == "MemoryNotSupported")
        }
        #expect(throws: KruiseCheckpointRefusal.self) { try contents([], sandbox: [.memory]) }
        #expect(try contents([.memory], saved: [.filesystem, .memory]).captured == [.memory])
    }

    @Test func theInfoAloneNeedsNoCapture() throws {
        for words in [[KruiseContent.podInfo], [KruiseContent(rawValue: "pod-info")], [.podInfo, .ip]] {
            let contents = try contents(words, saved: [])
            #expect(contents.isInfoOnly && contents.label == "podInfo" && contents.missing == [])
        }
        let both = try contents([.podInfo, .filesystem])
        #expect(both.captured == [.filesystem] && !both.isInfoOnly)
        #expect(try contents([KruiseContent(rawValue: "upgrade")]).captured == [.filesystem])
    }

    @Test(arguments: [
        [KruiseContent.ip], [KruiseContent(rawValue: "gpu")], [.filesystem, KruiseContent(rawValue: "gpu")],
    ])
    func whatThereIsNotIsRefused(_ wanted: [KruiseContent]) throws {
        let refusal = #expect(throws: KruiseCheckpointRefusal.self) { try contents(wanted) }
        #expect(refusal?.problem.reason == "InvalidContents")
    }
}
