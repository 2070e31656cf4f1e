// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Foundation
import KubeModels

/// A recorded page of a list, again and again: no network, no server.
struct Decode: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Reads a list of pods from JSON.")

    @Argument(help: "A file with a PodList.") var file: String
    @Option(help: "How often it is read.") var times = 1

    func run() throws {
        let document = [UInt8](try Data(contentsOf: URL(filePath: file)))
        let stopwatch = Stopwatch()
        var count = 0
        for _ in 0..<times { count += try KubeList<Pod>(json: document).items.count }
        stopwatch.report(["pods": count])
    }
}
