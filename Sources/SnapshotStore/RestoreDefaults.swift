// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import KubeModels
public import OCIRegistry

import struct Foundation.Data
import class Foundation.JSONDecoder

/// What the image of a snapshot says about how to run it, for a request that leaves it out.
///
/// The image may come from anybody: what is no entry point or no quantity is left out, with a remark.
public struct RestoreDefaults: Sendable, Hashable {
    private static let mostWords = 4096
    private static let mostEntrypointBytes = 128 << 10
    private static let mostLabelBytes = 16 << 10
    private static let mostResources = 32

    /// The command and its arguments; empty if the image has none that can be used.
    public var entrypoint: [String] = []
    /// What the sandbox may use, by resource name.
    public var limits: [String: String] = [:]
    /// What is set aside for it.
    public var requests: [String: String] = [:]
    /// What of the image was left out, and why; a sentence each.
    public var remarks: [String] = []

    /// Creates one that says nothing.
    public init() {}

    /// Reads the config of an image.
    ///
    /// - Returns: Nil if it is not the image of a snapshot.
    public init?(_ image: Image) {
        let execution = image.config.config
        let labels = execution.labels ?? [:]
        guard SnapshotLabels.areOfSnapshot(labels, layers: image.manifest.layers.count) else { return nil }
        entrypoint = words((execution.entrypoint ?? []) + (execution.cmd ?? []))
        limits = resources(labels, SnapshotLabels.limits)
        requests = resources(labels, SnapshotLabels.requests)
    }

    private mutating func words(_ words: [String]) -> [String] {
        let size = words.reduce(0) { $0 + $1.utf8.count + 1 }
        guard words.count <= Self.mostWords, size <= Self.mostEntrypointBytes else {
            remarks.append("its entry point has \(words.count) words and \(size) bytes, more than a program is given")
            return []
        }
        guard words.first?.isEmpty != true, words.allSatisfy({ !$0.utf8.contains(0) }) else {
            remarks.append("its entry point names no program, or has a zero byte in it")
            return []
        }
        return words
    }

    private mutating func resources(_ labels: [String: String], _ label: String) -> [String: String] {
        guard let text = labels[label] else { return [:] }
        guard text.utf8.count <= Self.mostLabelBytes else {
            remarks.append("its label \(label) has \(text.utf8.count) bytes, more than amounts take")
            return [:]
        }
        guard let amounts = try? JSONDecoder().decode([String: String].self, from: Data(text.utf8)),
            amounts.count <= Self.mostResources
        else {
            remarks.append("its label \(label) is no JSON object of amounts by resource name")
            return [:]
        }
        let usable = amounts.filter { name, amount in
            Self.isName(name) && amount.utf8.count <= 64
                && (Quantity(withinLimits: amount).map { $0 > Quantity(0) } ?? false)
        }
        if usable.count < amounts.count {
            remarks.append(
                "its label \(label) has \(amounts.count - usable.count) entries that are no amounts of resources"
            )
        }
        return usable
    }

    private static func isName(_ name: String) -> Bool {
        (1...253).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
                    UInt8(ascii: "/"):
                    true
                default: false
                }
            }
    }
}
