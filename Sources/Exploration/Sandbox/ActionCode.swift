// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import SandboxModels

/// An action as one byte: its kind, and the attempt or artifact it is about.
struct ActionCode {
    enum Kind: UInt8 {
        case createFromImage = 1, createFromArtifact, deleteCompute, verify, capture, seal, abandon, release
        case forgetCapture, deleteArtifact
    }

    let byte: UInt8

    init(byte: UInt8) {
        self.byte = byte
    }

    init(_ kind: Kind, _ number: Int) {
        precondition((1...15).contains(number), "the numbers of this exploration fit four bits")
        byte = kind.rawValue << 4 | UInt8(number)
    }

    var kind: Kind? { Kind(rawValue: byte >> 4) }
    var number: UInt8 { byte & 15 }

    /// The code of an action. What it leaves out is in the record or in the capture that it is about.
    init(_ action: Action) {
        switch action {
        case .createCompute(let attempt, nil): self.init(.createFromImage, attempt)
        case .createCompute(let attempt, .some): self.init(.createFromArtifact, attempt)
        case .deleteCompute(let attempt): self.init(.deleteCompute, attempt)
        case .verifyArtifact(_, let attempt): self.init(.verify, attempt)
        case .capture(let uid, _): self.init(.capture, Names.number(uid: uid))
        case .seal(let uid): self.init(.seal, Names.number(uid: uid))
        case .abandon(let uid): self.init(.abandon, Names.number(uid: uid))
        case .release(let uid, _): self.init(.release, Names.number(uid: uid))
        case .forgetCapture(let uid): self.init(.forgetCapture, Names.number(uid: uid))
        case .deleteArtifact(let artifact): self.init(.deleteArtifact, Names.number(artifact))
        }
    }
}

/// The world's numbers as the machine's names and back.
enum Names {
    static let identity = "s"

    static func uid(_ number: UInt8, of identity: String = identity) -> String { "\(identity)-\(number)" }

    static func number(uid: String) -> Int { uid.split(separator: "-").last.flatMap { Int($0) } ?? 0 }

    static func artifact(_ number: UInt8) -> Artifact {
        let part = Artifact.Part(container: "main", reference: "r/s:\(number)", digest: "sha256:\(number)", size: 1)
        return Artifact(provider: "explored", parts: [part], platform: "linux/amd64")
    }

    static func number(_ artifact: Artifact) -> Int {
        Int(artifact.parts.first?.digest.dropFirst("sha256:".count) ?? "") ?? 0
    }
}
