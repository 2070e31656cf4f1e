// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
import SandboxModels
import Testing

/// What a sandbox is made from.
struct KruiseTemplateTests {
    private func template(_ image: String) throws -> RawJSON {
        try RawJSON(#"{"spec":{"containers":[{"name":"a","image":"\#(image)"}]}}"#)
    }

    @Test func itsOwnNeedsNoOther() throws {
        let spec = try KruiseSandboxSpec.with {
            $0.template = try template("own")
            $0.templateRef = .with { $0.name = "demo" }
            $0.persistentContents = [.filesystem]
        }
        #expect(try spec.referencedTemplate() == nil)
        let resolved = try spec.resolvedTemplate(from: nil)
        #expect(try resolved.podTemplate()?.spec.containers.first?.image == "own")
        #expect(resolved.persistentContents == [.filesystem])
    }

    @Test func whatItSaysItselfCountsMore() throws {
        let referenced = try KruiseSandboxTemplateSpec.with {
            $0.template = try template("theirs")
            $0.persistentContents = [.memory]
            $0.runtimes = [.with { $0.name = "csi" }]
            $0.volumeClaimTemplates = [try RawJSON("{}")]
            $0.pauseStrategy = .with { $0.type = .stop }
        }
        var spec = KruiseSandboxSpec.with {
            $0.templateRef = .with { $0.name = "demo" }
            $0.pauseStrategy = .with { $0.type = .hibernate }
        }
        #expect(try spec.referencedTemplate() == "demo")
        var resolved = try spec.resolvedTemplate(from: referenced)
        #expect(resolved.pauseStrategy?.type == .hibernate)
        resolved.pauseStrategy = referenced.pauseStrategy
        #expect(resolved == referenced)
        spec.persistentContents = [.filesystem]
        #expect(try spec.resolvedTemplate(from: referenced).persistentContents == [.filesystem])
    }

    @Test func whatCannotBeFoundIsSaid() throws {
        var spec = KruiseSandboxSpec()
        #expect(throws: KruiseTemplateError.missing) { try spec.referencedTemplate() }
        #expect(throws: KruiseTemplateError.missing) { try spec.resolvedTemplate(from: nil) }
        spec.templateRef = .with {
            $0.name = "demo"
            $0.kind = "SandboxTemplate"
            $0.apiVersion = "agents.kruise.io/v1alpha1"
        }
        #expect(try spec.referencedTemplate() == "demo")
        #expect(throws: KruiseTemplateError.notFound("demo")) { try spec.resolvedTemplate(from: nil) }
        #expect(throws: KruiseTemplateError.notFound("demo")) { try spec.resolvedTemplate(from: KruiseSandboxTemplateSpec()) }
        let reference = KruiseTemplateReference.with {
            $0.name = "demo"
            $0.kind = "PodTemplate"
        }
        spec.templateRef = reference
        #expect(throws: KruiseTemplateError.unknownKind(reference)) { try spec.referencedTemplate() }
        spec.template = try RawJSON(#"{"spec":{"containers":"none"}}"#)
        #expect(throws: KruiseTemplateError.self) { try spec.resolvedTemplate(from: nil) }
    }
}
