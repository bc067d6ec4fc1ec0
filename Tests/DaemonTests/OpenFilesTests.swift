import Testing

@testable import Daemon

@Suite struct `Open files` {
    @Test(arguments: [
        // All of it and what is kept, where there is room.
        (4_096, 2_048, 6_400, 4_096), (4_096, 2_048, 524_288, 4_096),
        // Half of what is left, where there is not.
        (4_096, 2_048, 4_096, 1_920), (20_000, 2_048, 20_000, 9_872), (4_096, 2_048, 1_024, 384),
        // As many as are asked for, where those that are kept alone are too many.
        (100, 256_000, 4_096, 100),
        // One at least.
        (4_096, 2_048, 256, 1), (4_096, 2_048, 64, 1), (1, 1, 0, 1),
    ])
    func `what may be under way goes by how many files may be open`(
        _ wanted: Int, _ kept: Int, _ allowed: Int, _ expected: Int
    ) {
        #expect(OpenFiles.inFlight(wanted, kept: kept, allowed: allowed) == expected)
    }

    @Test func `a limit that suffices stays as it is`() {
        #expect(OpenFiles.allow(1) == 1)
    }
}
