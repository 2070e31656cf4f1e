// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing

@testable import SnapshotEngine

@Suite("Freeze records")
struct FreezeRecordTests {
    private let record = FreezeRecord(
        id: "capture-1",
        containers: (0..<12).map { "container-\($0)" },
        deadline: Date(timeIntervalSince1970: 1_800_000_000.1234),
        owner: "tests"
    )

    @Test("A record survives its labels, containers in order")
    func roundTrip() throws {
        #expect(FreezeRecord(labels: record.labels) == record)
        #expect(record.deadline == Date(timeIntervalSince1970: 1_800_000_000.123))
    }

    @Test("Labels that are no record's give none")
    func malformed() {
        #expect(FreezeRecord(labels: [:]) == nil)
        #expect(FreezeRecord(labels: [FreezeRecord.idLabel: "x"]) == nil)
        var labels = record.labels
        labels["stasis.dev/freeze-deadline"] = "soon"
        #expect(FreezeRecord(labels: labels) == nil)
        #expect(
            FreezeRecord.outcome(labels: [FreezeRecord.outcomeOfLabel: "x", "stasis.dev/freeze-outcome": "?"]) == nil
        )
    }

    @Test("Outcomes are put to their records, whatever the order; an outcome alone is no record")
    func outcomes() {
        let sealed = FreezeRecord.outcomeLabels(.sealed, of: "capture-1")
        let other = FreezeRecord.outcomeLabels(.thawed, of: "capture-2")
        let all = FreezeLedger.records(of: [sealed, other, record.labels])
        #expect(all.count == 1)
        #expect(all.first?.isSealed == true)
    }

    @Test(
        "IDs that could not name a lease are refused",
        arguments: ["", "a b", "ä", String(repeating: "x", count: 65)]
    )
    func invalidIDs(id: String) {
        #expect(!FreezeLedger.isValid(id: id))
        #expect(FreezeLedger.isValid(id: "0aZ._-"))
    }
}
