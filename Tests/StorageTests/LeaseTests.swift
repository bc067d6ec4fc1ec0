import Foundation
import Testing

@testable import Storage

/// The lock file's lease: what is written is read again, and only one process serves.
@Suite struct LeaseTests {
    private let sample: SampleDatabase

    init() throws { sample = try SampleDatabase() }

    @Test func `a record reads back, at the same length for every renewal`() throws {
        var record = LeaseRecord(description: "tallyd run,\nprocess 1", isLocked: true)
        let length = record.text.utf8.count
        for renewal in [0, 1, 99, UInt64.max] {
            record.renewal = renewal
            #expect(LeaseRecord(record.text) == record)
            #expect(record.text.utf8.count == length)
        }
        #expect(record.isProcessAlive)
    }

    @Test(arguments: [
        "", "tallyd run, process 1", "a\nlease b\nrenewed 1\n", "a\nlease b locked\nrenewed x\n", "a\nb\nc\n",
    ])
    func `anything else is no record`(text: String) {
        #expect(LeaseRecord(text) == nil)
    }

    @Test func `a process of another boot, or that is gone, isn't alive`() throws {
        let own = LeaseRecord(description: "", isLocked: false)
        let parts = own.identity.split(separator: "-")
        for identity in ["0123456789abcdef-\(parts[1])-1", "\(parts[0])-4194305-1", "nonsense"] {
            #expect(!LeaseRecord(description: "", identity: identity, isLocked: false, renewal: 0).isProcessAlive)
        }
    }

    /// Looks once a second, through [start, end], by the watcher's clock, and says at which look the lease was expired first.
    private func firstExpired(
        _ observer: inout LeaseObserver, _ record: LeaseRecord?, from start: Int, through end: Int
    ) -> Int? {
        var first: Int?
        for second in start...end where observer.isExpired(record, monotonic: .seconds(second)) {
            first = first ?? second
        }
        return first
    }

    @Test func `a lease expires by the observer's own clock, counted from the last change that it saw`() {
        var record = LeaseRecord(description: "a", isLocked: true)
        var observer = LeaseObserver()
        let validity = Int(LeaseObserver.validity.components.seconds)
        #expect(firstExpired(&observer, record, from: 3_600, through: 3_660) == 3_600 + validity)
        record.renewal += 1
        #expect(firstExpired(&observer, record, from: 3_661, through: 3_665) == nil)
        // What was seen before there was no record counts no more.
        #expect(firstExpired(&observer, nil, from: 3_666, through: 3_667) == nil)
        #expect(firstExpired(&observer, record, from: 3_668, through: 3_700) == 3_668 + validity)
    }

    @Test func `for a time in which the observer was stopped itself no lease expires`() {
        let record = LeaseRecord(description: "a", isLocked: true)
        var observer = LeaseObserver()
        #expect(firstExpired(&observer, record, from: 0, through: 5) == nil)
        // Both were: the holder renews a moment later than the observer looks.
        #expect(firstExpired(&observer, record, from: 1_000, through: 1_006) == nil)
        // Five seconds before, and what is missing after.
        #expect(firstExpired(&observer, record, from: 1_007, through: 1_020) == 1_007)
    }

    @Test func `a renewal that a stopped one ends later does not cost its successor the lease`() throws {
        let first = try OwnerLock(database: sample.path, description: "first")
        let half = try #require(OwnerLock.record(database: sample.path))
        let successor = try OwnerLock(succeedingIn: sample.path, description: "second")
        let (lost, kept) = (Flag(), Flag())
        first.serve(while: { true }, whenLost: { lost.note("\($0)") })
        successor.serve(while: { true }, whenLost: { kept.note("\($0)") })
        // Read before it was stopped, written as it goes on.
        try half.text.write(toFile: sample.path + "-tallyd.lock", atomically: false, encoding: .utf8)
        successor.renew()
        #expect(OwnerLock.holder(database: sample.path) == "second")
        first.renew()
        #expect(lost.texts.count == 1 && kept.texts.isEmpty)
    }

    @Test func `a successor without the lock is the holder, and the one before finds its lease lost`() throws {
        let first = try OwnerLock(database: sample.path, description: "first")
        #expect(OwnerLock.holder(database: sample.path) == "first")
        let successor = try OwnerLock(succeedingIn: sample.path, description: "second")
        #expect(OwnerLock.holder(database: sample.path) == "second")
        let lost = Flag()
        first.serve(while: { true }, whenLost: { lost.note("\($0)") })
        first.renew()
        #expect(lost.texts.count == 1 && lost.texts.first?.contains("second has taken over") == true)
        first.renew()
        #expect(lost.texts.count == 1, "said once")
        let before = OwnerLock.record(database: sample.path)
        successor.renew()
        let after = OwnerLock.record(database: sample.path)
        #expect(after?.renewal == (before?.renewal ?? 0) + 1 && after?.isLocked == false)
        #expect(throws: StorageError.self) { try OwnerLock(database: sample.path, description: "third") }
    }

    @Test func `the lock is taken once the stopped one is gone, and a clean end leaves nobody`() throws {
        var first: OwnerLock? = try OwnerLock(database: sample.path, description: "first")
        var second: OwnerLock? = try OwnerLock(succeedingIn: sample.path, description: "second")
        withExtendedLifetime(first) {}
        first = nil
        // Nobody has the system's lock now, but the second serves.
        #expect(OwnerLock.holder(database: sample.path) == "second")
        #expect(throws: StorageError.self) { try OwnerLock(database: sample.path, description: "third") }
        second?.renew()
        #expect(OwnerLock.record(database: sample.path)?.isLocked == true)
        second = nil
        #expect(OwnerLock.holder(database: sample.path) == nil)
        let third = try OwnerLock(database: sample.path, description: "third")
        withExtendedLifetime(third) { #expect(OwnerLock.holder(database: sample.path) == "third") }
    }

    @Test func `a lease that is not earned is not renewed`() throws {
        let lock = try OwnerLock(database: sample.path, description: "hung")
        lock.serve(while: { false }, whenLost: { _ in })
        let before = OwnerLock.record(database: sample.path)
        lock.renew()
        #expect(OwnerLock.record(database: sample.path) == before)
    }

    private final class Flag: @unchecked Sendable {  // guarded by the lock
        private let lock = NSLock()
        private var noted: [String] = []
        var texts: [String] { lock.withLock { noted } }
        func note(_ text: String) { lock.withLock { noted.append(text) } }
    }
}
