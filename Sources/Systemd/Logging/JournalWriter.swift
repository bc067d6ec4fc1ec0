import Glibc

/// Sends entries to the journal from one thread of its own.
///
/// With journald stopped, a few hundred datagrams fit into the socket and the next blocking send hangs its thread;
/// libsystemd's sd_journal_sendv sends that way. Here callers only queue, the thread sends without blocking and retries
/// for about two seconds, and what could not be sent is counted and reported after the next entry that gets through.
package final class JournalWriter: Sendable {
    /// In ms; 2.2 s in all, which is longer than a restart of journald takes.
    private static let retryDelays: [Int32] = [1, 2, 5, 10, 20, 50, 100, 200, 400, 700, 700]

    private let queue: JournalQueue

    /// Held for its end: the thread outlives the writer until the queue is empty.
    private let thread: DedicatedThread

    /// - Parameters:
    ///   - socketPath: the journal's native socket. It may be absent now and appear later.
    ///   - dropReport: the entry that reports dropped lines, given their number.
    ///   - countLimit: the most entries that wait.
    ///   - byteLimit: the most bytes that wait.
    /// - Throws: `JournalUnreachable` for a path that is no socket address, `ThreadFailure` without room for the
    ///   thread.
    init(
        socketPath: String, countLimit: Int = 2_048, byteLimit: Int = 4 << 20,
        dropReport: @escaping @Sendable (Int) -> JournalEntry
    ) throws {
        guard let address = UnixAddress(socketPath), let socket = DatagramSocket(patience: .none) else {
            throw JournalUnreachable(path: socketPath)
        }
        let queue = JournalQueue(countLimit: countLimit, byteLimit: byteLimit)
        self.queue = queue
        thread = try DedicatedThread(name: "journal") {
            while let batch = queue.take() {
                for datagram in batch {
                    let wasSent = Self.send(datagram, through: socket, to: address, of: queue)
                    if wasSent { Self.report(dropReport, through: socket, to: address, of: queue) }
                    queue.settle(datagram, wasSent: wasSent)
                }
            }
        }
    }

    deinit {
        queue.stop()
    }

    /// Queues an entry and returns at once.
    func write(_ entry: JournalEntry) {
        queue.put(entry.encoded())
    }

    /// Waits for what was written so far, for use before the process ends.
    ///
    /// - Returns: false when the journal did not take everything within `limit`.
    @discardableResult
    package func flush(within limit: Duration = .seconds(1)) -> Bool {
        queue.waitUntilEmpty(within: limit)
    }

    private static func send(
        _ datagram: [UInt8], through socket: DatagramSocket, to address: UnixAddress, of queue: JournalQueue
    ) -> Bool {
        for delay in retryDelays {
            switch socket.send(datagram, to: address) {
            case 0: return true
            // No retry makes it fit, or makes the process welcome.
            case EMSGSIZE, EACCES, EPERM: return false
            default: if queue.isStopped { return false }
            }
            poll(nil, 0, delay)
        }
        return socket.send(datagram, to: address) == 0
    }

    /// One attempt: a report that does not fit comes after a later entry, with a higher count.
    private static func report(
        _ dropReport: (Int) -> JournalEntry, through socket: DatagramSocket, to address: UnixAddress,
        of queue: JournalQueue
    ) {
        let count = queue.dropped
        guard count > 0, socket.send(dropReport(count).encoded(), to: address) == 0 else { return }
        queue.reported(count)
    }
}
