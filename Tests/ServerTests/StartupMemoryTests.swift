// Copyright the Stasis authors
// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Server

@Suite("The memory of a start") struct StartupMemoryTests {
    @Test("only what stands in a file as it stands in memory is unmapped")
    func unchanged() {
        let text = """
            1000-3000 r-xp 00000000 fe:00 12 /usr/bin/program with a space
            Size:                  8 kB
            Rss:                   4 kB
            Anonymous:             0 kB
            VmFlags: rd ex mr mw me dw
            3000-4000 r--p 00002000 fe:00 12 /usr/bin/relocated
            Rss:                   4 kB
            Anonymous:             4 kB
            4000-5000 rw-p 00002000 fe:00 12 /usr/bin/written
            Rss:                   4 kB
            Anonymous:             0 kB
            5000-6000 r--p 00000000 00:00 0
            Rss:                   4 kB
            Anonymous:             0 kB
            6000-7000 r-xp 00000000 00:00 0 [vdso]
            Rss:                   4 kB
            Anonymous:             0 kB
            7000-8000 r--s 00000000 fe:00 13 /shared
            Rss:                   4 kB
            Anonymous:             0 kB
            8000-9000 r--p 00000000 fe:00 14 /not/in/memory
            Rss:                   0 kB
            Anonymous:             0 kB
            nonsense
            zz-9000 r--p 00000000 fe:00 14 /nowhere
            Rss:                   4 kB
            Anonymous:             0 kB
            9000-b000 r--p 00000000 fe:00 14 /usr/lib/library.so
            Rss:                   8 kB
            Anonymous:             0 kB

            """
        #expect(
            FileMapping.unchanged(in: text) == [
                FileMapping(start: 0x1000, count: 0x2000, resident: 4),
                FileMapping(start: 0x9000, count: 0x2000, resident: 8),
            ]
        )
    }

    @Test("a program goes on from its file")
    func unmaps() {
        #expect(StartupMemory.unmapUnchanged() > 1024)
        #expect([3, 1, 2].sorted().map(String.init).joined(separator: ",") == "1,2,3")
    }
}
