// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import OCIRegistry
import SnapshotStore
import Testing

/// What is taken of an image that may come from anybody. Pure.
@Suite("What an image says about how to run it")
struct RestoreDefaultsTests {
    private func defaults(
        _ labels: [String: String] = [:],
        entrypoint: [String]? = ["run"],
        cmd: [String]? = nil,
        layers: Int = 0
    ) -> RestoreDefaults? {
        let all = ["dev.stasis.snapshot.uid": "u", "dev.stasis.snapshot.layers": "\(layers)"].merging(labels) { $1 }
        let config = ImageConfig(
            platform: .current,
            config: ImageConfig.Execution(entrypoint: entrypoint, cmd: cmd, labels: all)
        )
        let blob = Descriptor(of: [], mediaType: .ociConfig)
        return RestoreDefaults(
            Image(descriptor: blob, manifest: ImageManifest(config: blob, layers: []), config: config)
        )
    }

    @Test("is taken of a snapshot, and of nothing that was only made from one")
    func snapshots() {
        #expect(defaults(cmd: ["x"])?.entrypoint == ["run", "x"])
        #expect(defaults(layers: 1) == nil)
        let amounts = defaults(["dev.stasis.snapshot.limits": #"{"cpu":"2","memory":"1Gi","nvidia.com/gpu":"1"}"#])
        #expect(amounts?.limits == ["cpu": "2", "memory": "1Gi", "nvidia.com/gpu": "1"])
        #expect(amounts?.remarks == [])
    }

    static let hostile = [
        "", "{", "7", "null", "[]", #"["cpu"]"#, #"{"cpu":2}"#, #"{"cpu":{"x":"1"}}"#, #"{"cpu":null}"#,
        #"{"cpu":""}"#, #"{"cpu":"1e400"}"#, #"{"cpu":"-1"}"#, #"{"cpu":"0"}"#, #"{"cpu":"1\u0000"}"#,
        #"{"c\npu":"1"}"#, #"{"":"1"}"#,
        #"{"cpu":"\#(String(repeating: "9", count: 65))"}"#, #"{"\#(String(repeating: "c", count: 254))":"1"}"#,
        "{" + (0..<40).map { #""r\#($0)":"1""# }.joined(separator: ",") + "}",
        String(repeating: "[", count: 10_000), #"{"cpu":"\#(String(repeating: "1", count: 20_000))"}"#,
        "\u{0}\u{1}\u{7f}",
    ]

    @Test("amounts that are none are left out, with a reason, and nothing breaks", arguments: hostile)
    func amounts(text: String) {
        let found = defaults(["dev.stasis.snapshot.limits": text])
        #expect(found?.limits == [:])
        #expect(found?.remarks.count == 1)
        #expect(found?.entrypoint == ["run"])
    }

    @Test("an entry point that is none is left out, with a reason")
    func entrypoints() {
        for words in [[""], ["a\u{0}b"], Array(repeating: "x", count: 5000), [String(repeating: "x", count: 200_000)]] {
            let found = defaults(entrypoint: words)
            #expect(found?.entrypoint == [])
            #expect(found?.remarks.count == 1)
        }
        #expect(defaults(entrypoint: nil)?.entrypoint == [])
    }
}
