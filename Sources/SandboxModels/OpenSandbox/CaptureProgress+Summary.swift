// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

extension CaptureProgress {
    /// The same with its summary: `copying 45% of 1.2 GiB`, `uploading 37.5 MiB`, `freezing`.
    public func summarized() -> CaptureProgress {
        var progress = self
        let text: String
        if let total = bytesTotal, total > 0, let read = bytesRead {
            text = "\(stage) \(Self.percent(read, of: total))% of \(Self.size(total))"
        } else if let written = bytesWritten, written > 0 {
            text = "\(stage) \(Self.size(written))"
        } else {
            text = stage
        }
        progress.summary = text
        return progress
    }

    /// A whole percentage from 0 to 100. More is read than was expected when a file grows.
    private static func percent(_ part: Int, of whole: Int) -> Int {
        Int(min(max(Double(part) / Double(whole), 0), 1) * 100)
    }

    /// `512 B`, `37.5 MiB`, `1.2 GiB`.
    private static func size(_ bytes: Int) -> String {
        var size = Double(max(bytes, 0))
        var units = ["B", "KiB", "MiB", "GiB", "TiB"][...]
        while size >= 1024, units.count > 1 {
            size /= 1024
            units = units.dropFirst()
        }
        let unit = units.first ?? ""
        if unit == "B" { return "\(bytes) B" }
        let tenths = Int((size * 10).rounded())
        return tenths % 10 == 0 || tenths >= 1000 ? "\(tenths / 10) \(unit)" : "\(tenths / 10).\(tenths % 10) \(unit)"
    }
}
