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

    @Test func `a lease expires by the observer's own clock, counted from the last change that it saw`() {
        var record = LeaseRecord(description: "a", isLocked: true)
        var observer = LeaseObserver()
        func look(_ seen: LeaseRecord?, atHour hour: Int, plus rest: Duration = .zero) -> Bool {
            observer.isExpired(seen, monotonic: .seconds(hour * 3_600) + rest)
        }
        let looks = [
            look(record, atHour: 1), look(record, atHour: 1, plus: LeaseObserver.validity - .milliseconds(1)),
            look(record, atHour: 1, plus: LeaseObserver.validity),
        ]
        #expect(looks == [false, false, true])
        record.renewal += 1
        // What was seen before the gap, when there was no record, counts no more.
        let others = [
            look(record, atHour: 2), look(nil, atHour: 3), look(record, atHour: 4), look(record, atHour: 5),
        ]
        #expect(others == [false, false, false, true])
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
