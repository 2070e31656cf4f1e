// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import TestSupport
import Testing

@testable import Committer

/// Arguments and variables that nobody meant.
@Suite("Arguments that nobody meant")
struct CommitterFuzzTests {
    private static let fragments = [
        ":", "::", "=", "@", "/", "//", ".", "..", "\0", " ", "-", "--", "é", "😀", "oci:", "sha256:", "@sha256:",
        "[::1]:5000",
        "localhost:99999", "UPPER", "\n", "\"", "'", "$(id)", String(repeating: "a", count: 300),
    ]

    @Test("A target has a container and an image, or is refused as a mistake of the caller")
    func targets() {
        var mutator = Mutator(seed: 8, fragments: Self.fragments)
        var budget = FuzzBudget(20_000)
        var outcomes = [true: 0, false: 0]
        let digest = String(repeating: "a", count: 64)
        while budget.goesOn() {
            let texts = (0..<3).map { _ in
                mutator.text(of: [
                    "main:registry.example:5000/team/box:1", "side:oci:/var/lib/layout:2",
                    "a:127.0.0.1:5000/x@sha256:\(digest)",
                ])
            }
            do throws(CommitterError) {
                let targets = try CommitTarget.list(parsing: texts)
                #expect(
                    targets.allSatisfy { !$0.container.isEmpty && !$0.container.contains(":") && !$0.image.isEmpty }
                )
                #expect(Set(targets.map(\.container)).count == texts.count)
                for target in targets {
                    guard let location = try? ImageLocation(parsing: target.image) else { continue }
                    let again = try? ImageLocation(parsing: location.description)
                    #expect(again == location, "\(target.image)")
                }
                outcomes[true, default: 0] += 1
            } catch {
                #expect(error.exitStatus == 64 && !error.message.isEmpty, "\(texts)")
                outcomes[false, default: 0] += 1
            }
        }
        #expect(outcomes[true, default: 0] > 100 && outcomes[false, default: 0] > 100, "\(outcomes)")
    }

    @Test("Variables are settings, or refused as a mistake of the caller")
    func settings() {
        var mutator = Mutator(seed: 9, fragments: Self.fragments + ["0", "9", "86400", "-1", "true", "T"])
        var budget = FuzzBudget(5000)
        var refused = 0
        while budget.goesOn() {
            let names = ["SNAPSHOT_REGISTRY_INSECURE", "STASIS_FREEZE_SECONDS", "STASIS_POD_UID", "CONTAINERD_SOCKET"]
            let values = names.map { _ in mutator.text(of: ["540", "true", "", "/run/containerd.sock"]) }
            do throws(CommitterError) {
                let settings = try CommitterSettings(environment: Dictionary(uniqueKeysWithValues: zip(names, values)))
                #expect((Duration.seconds(1)...Duration.seconds(86_400)).contains(settings.longestFreeze), "\(values)")
            } catch {
                #expect(error.exitStatus == 64)
                refused += 1
            }
            if let base = try? CommitTarget.bases(parsing: values) {
                #expect(base.keys.allSatisfy { !$0.isEmpty })
            }
        }
        #expect(refused > 100)
    }
}
