import Synchronization
import Testing

@testable import Storage

/// When a log that is to stay small is copied back.
@Suite struct `Small log` {
    private static let mebibyte: Int64 = 1_024 * 1_024

    @Test func `nothing is done below the limit`() {
        var log = PoliteWriter.SmallLog()
        for bytes in stride(from: 0, through: 9 * Self.mebibyte, by: 500_000) {
            #expect(
                log.look(
                    bytes,
                    holdReads: {
                        Issue.record("no reading is to wait"); return true
                    }) == .nothing)
        }
    }

    @Test func `a full log is copied back once, and readings go on when it is begun anew`() {
        var log = PoliteWriter.SmallLog()
        #expect(log.look(11 * Self.mebibyte, holdReads: { true }) == .full)
        #expect(log.look(1 * Self.mebibyte, holdReads: { true }) == .begunAnew)
        #expect(log.look(2 * Self.mebibyte, holdReads: { true }) == .nothing)
        #expect(log.look(11 * Self.mebibyte, holdReads: { true }) == .full)
    }

    @Test func `beside a reading it waits for its end, and tries each time that much has come`() {
        var log = PoliteWriter.SmallLog()
        #expect(log.look(10 * Self.mebibyte, holdReads: { false }) == .nothing)
        #expect(log.look(11 * Self.mebibyte, holdReads: { false }) == .nothing)
        #expect(log.look(12 * Self.mebibyte, holdReads: { false }) == .full)
        #expect(log.look(14 * Self.mebibyte, holdReads: { false }) == .nothing)
        #expect(log.look(15 * Self.mebibyte, holdReads: { true }) == .full)
        // A snapshot that nobody here knows of.
        #expect(log.look(16 * Self.mebibyte, holdReads: { true }) == .nothing)
        #expect(log.look(18 * Self.mebibyte, holdReads: { true }) == .full)
        #expect(log.isOverfull)
        #expect(log.look(400_000, holdReads: { true }) == .begunAnew)
        #expect(!log.isOverfull)
    }

    @Test func `a log that was begun anew and is full again at once is copied back`() {
        var log = PoliteWriter.SmallLog()
        #expect(log.look(20 * Self.mebibyte, holdReads: { true }) == .full)
        #expect(log.look(12 * Self.mebibyte, holdReads: { true }) == .full)
    }
}

/// Readings that wait for a writer.
@Suite struct `Long reads` {
    @Test func `a reading waits while it is held, and begins when it is released`() async throws {
        let reads = LongReads()
        #expect(reads.hold())
        let began = MonotonicClock.nanoseconds()
        async let read = reads.during { MonotonicClock.nanoseconds() }
        try await Task.sleep(for: .milliseconds(30))
        let released = MonotonicClock.nanoseconds()
        reads.release()
        let reading = try await read
        // Either it was released in time, or the machine was so busy that the longest hold had passed.
        #expect(reading >= released || reading >= began + 300_000_000)
    }

    @Test func `one that is under way is told of`() async throws {
        let reads = LongReads()
        try await reads.during { #expect(!reads.hold()) }
        #expect(reads.hold())
    }

    @Test func `a cancelled reading does not wait, and is counted like any other`() async throws {
        let reads = LongReads()
        #expect(reads.hold())
        let reading = Task { try await reads.during { reads.areUnderWay } }
        reading.cancel()
        #expect(try await reading.value)
        #expect(!reads.areUnderWay)
        #expect(reads.hold())
    }

    @Test(.timeLimit(.minutes(1))) func `nobody waits for ever`() async throws {
        let now = Mutex<UInt64>(1)
        let reads = LongReads { now.withLock { $0 } }
        #expect(reads.hold())
        now.withLock { $0 += 300_000_000 }
        #expect(try await reads.during { true })
        // Held once, it is not held again before it was released: else this would wait, since the clock stands.
        #expect(reads.hold())
        #expect(try await reads.during { true })
    }
}
