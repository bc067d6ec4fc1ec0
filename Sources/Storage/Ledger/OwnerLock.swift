import Dispatch
import Glibc
import Synchronization

/// "One tallyd counts in this database": a lock of the operating system's on a file beside it, gone the moment its process is, and within that file
/// a lease that is renewed for as long as its process is well (see `LeaseRecord`).
///
/// The lock alone would let a process that is stopped, or hangs, keep everybody else out. A standby that sees no renewal for `LeaseObserver.validity`
/// takes the lease over without the lock; what keeps the totals exact then is the term, which every write checks.
package final class OwnerLock: Sendable {
    private let descriptor: Int32
    package let path: String
    private let state: Mutex<State>
    // Set once and never changed; the type just isn't declared Sendable on Linux.
    nonisolated(unsafe) private let timer: any DispatchSourceTimer

    private struct State {
        var record: LeaseRecord
        var isWell: @Sendable () -> Bool = { true }
        var whenLost: (@Sendable (StorageError) -> Void)?
        var loss: StorageError?
        /// Whom this one succeeded without its lock.
        var predecessor: String?
    }

    /// Takes the lock at once or not at all.
    ///
    /// - Parameter description: put into the file for people, such as `tallyd run, process 4711`.
    /// - Throws: `StorageError` of kind `ownedByAnother` while another process holds it, saying what that one wrote.
    package convenience init(database: String, description: String) throws {
        let descriptor = try Self.openFile(database)
        guard Self.takeLock(descriptor) else {
            close(descriptor)
            throw Self.refusal(database, holder: Self.holder(database: database) ?? "another tallyd")
        }
        // Whoever took over from a stopped process serves without the lock until that one is gone, as it may be since a moment ago.
        if let other = Self.record(descriptor), !other.isLocked, other.isProcessAlive {
            close(descriptor)
            throw Self.refusal(database, holder: other.description)
        }
        self.init(descriptor, database, LeaseRecord(description: description, isLocked: true))
    }

    /// Takes the lease over from a holder that `LeaseObserver` found expired, with the lock if it is to be had.
    ///
    /// The caller must then take a new `Term` before it counts anything: that is what stops the old one.
    package convenience init(succeedingIn database: String, description: String) throws {
        let descriptor = try Self.openFile(database)
        let predecessor = Self.record(descriptor)?.identity
        let isLocked = Self.takeLock(descriptor, tries: 1)
        self.init(
            descriptor, database, LeaseRecord(description: description, isLocked: isLocked), predecessor: predecessor)
    }

    private init(_ descriptor: Int32, _ database: String, _ record: LeaseRecord, predecessor: String? = nil) {
        self.descriptor = descriptor
        path = Self.path(for: database)
        state = Mutex(State(record: record, predecessor: predecessor))
        timer = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "tallyd.lease", qos: .utility))
        Self.write(record, descriptor)
        let every = LeaseObserver.renewalInterval
        timer.schedule(
            deadline: .now() + .seconds(Int(every.components.seconds)),
            repeating: .seconds(Int(every.components.seconds)),
            leeway: .milliseconds(200))
        timer.setEventHandler { [weak self] in self?.renew() }
        timer.resume()
    }

    deinit {
        timer.cancel()
        // Only what is still ours: a successor's record stands there else.
        if Self.record(descriptor)?.identity == state.withLock({ $0.record.identity }) { ftruncate(descriptor, 0) }
        close(descriptor)
    }

    /// From now on the lease is renewed only while `isWell` says so, and whoever finds it lost is told, once.
    package func serve(
        while isWell: @escaping @Sendable () -> Bool, whenLost: @escaping @Sendable (StorageError) -> Void
    ) {
        let loss = state.withLock { state in
            state.isWell = isWell
            state.whenLost = whenLost
            return state.loss
        }
        if let loss { whenLost(loss) }
    }

    /// One renewal, or the finding that somebody else has taken over.
    func renew() {
        let (isWell, isLost) = state.withLock { ($0.isWell, $0.loss != nil) }
        guard !isLost, isWell() else { return }
        let found = Self.record(descriptor)
        let tell: (@Sendable (StorageError) -> Void)? = state.withLock { state in
            // A predecessor that was stopped in the middle of a renewal ends it when it goes on, and reads at its next one whose the lease is.
            if let found, found.identity != state.record.identity, found.identity != state.predecessor {
                state.loss = StorageError(
                    .leaseLost, cannot: "go on serving", path, because: "\(found.description) has taken over",
                    remedy:
                        "This process was not heard of for \(LeaseObserver.validity.components.seconds) s; it stops, and may start again."
                )
                return state.whenLost
            }
            state.record.renewal += 1
            if !state.record.isLocked { state.record.isLocked = Self.takeLock(descriptor, tries: 1) }
            Self.write(state.record, descriptor)
            return nil
        }
        if let tell, let loss = state.withLock({ $0.loss }) { tell(loss) }
    }

    /// What the process that serves the database wrote; nil when nobody does.
    package static func holder(database: String) -> String? {
        let file = Glibc.open(path(for: database), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        let record = record(file)
        if flock(file, LOCK_SH | LOCK_NB) == 0 {
            guard let record, !record.isLocked, record.isProcessAlive else { return nil }
            return record.description
        }
        let line = record?.description ?? text(file).split(separator: "\n").first.map(String.init)
        return line.flatMap { $0.isEmpty ? nil : $0 } ?? "another tallyd"
    }

    // MARK: The file

    static func path(for database: String) -> String { database + "-tallyd.lock" }

    /// The lease that stands in the file; nil when there is none.
    static func record(database: String) -> LeaseRecord? {
        let file = Glibc.open(path(for: database), O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { close(file) }
        return record(file)
    }

    private static func record(_ descriptor: Int32) -> LeaseRecord? { LeaseRecord(text(descriptor)) }

    private static func text(_ descriptor: Int32) -> String {
        // Far longer than any record.
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let count = bytes.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) }
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }

    private static func write(_ record: LeaseRecord, _ descriptor: Int32) {
        let bytes = Array(record.text.utf8)
        let written = bytes.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, $0.count, 0) }
        // On a full volume the file would else be made longer with zeros, which are nobody's record.
        if written == bytes.count { ftruncate(descriptor, off_t(bytes.count)) }
    }

    private static func openFile(_ database: String) throws -> Int32 {
        let path = path(for: database)
        let descriptor = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o660)
        guard descriptor >= 0 else {
            throw StorageError(
                .readOnly, cannot: "make the lock file", path, because: String(cString: strerror(errno)),
                remedy: "Give tallyd's user write access to the database's folder.")
        }
        // Others of the database's group must be able to open it, whatever the umask.
        fchmod(descriptor, 0o660)
        return descriptor
    }

    /// Whoever asks for the holder has a shared lock for a moment: so a few tries, over a tenth of a second.
    private static func takeLock(_ descriptor: Int32, tries: Int = 10) -> Bool {
        for attempt in 0..<tries {
            if attempt > 0 { usleep(10_000) }
            if flock(descriptor, LOCK_EX | LOCK_NB) == 0 { return true }
        }
        return false
    }

    private static func refusal(_ database: String, holder: String) -> StorageError {
        StorageError(
            .ownedByAnother, cannot: "take", database, because: "\(holder) has it",
            remedy: "One tallyd counts in a database; stop that one first, or let it do the work.")
    }
}
