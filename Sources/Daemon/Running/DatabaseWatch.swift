import Dispatch
import Foundation
package import Logging
import Storage
import Synchronization

/// Signals when another program commits: every commit in WAL mode writes to the -wal file, and inotify says so without polling.
///
/// Armed for one signal at a time, so that a gateway with thousands of commits a second costs one wake-up and not thousands. It is that file which is
/// watched, and its folder only while there is none: what others write beside it wakes nobody. Where inotify is not to be had (its limits, an unusual
/// file system), nothing is signalled and the interval alone drives the lane.
package final class DatabaseWatch: Sendable {
    private let descriptor: Int32
    private let log: String
    private let folder: String
    // Set once, and a dispatch source may be used from any thread; the type just isn't declared Sendable on Linux.
    nonisolated(unsafe) private let source: any DispatchSourceRead
    private let isArmed = Mutex(false)

    /// Nil when neither can be watched; says so in the log.
    package init?(database: String, signal: WakeSignal, logger: Logger) {
        let folder = Store.folder(of: database)
        (log, self.folder) = (database + "-wal", folder.isEmpty ? "." : folder)
        let file = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        descriptor = file
        guard descriptor >= 0, Self.look(descriptor, log: log, folder: self.folder) else {
            logger.warning(
                "no early wakes: the database's log can't be watched",
                metadata: [
                    "cause": "\(String(cString: strerror(errno)))", "remedy": "raise fs.inotify.max_user_watches",
                ])
            if descriptor >= 0 { close(descriptor) }
            return nil
        }
        let queue = DispatchQueue(label: "tallyd.watch")
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { [weak self] in
            guard let self, drain() else { return }
            isArmed.withLock { isArmed in
                guard isArmed else { return }
                isArmed = false
                source.suspend()
            }
            signal.signal()
        }
        source.setCancelHandler { close(file) }
    }

    deinit {
        // A suspended source can't be released.
        if !isArmed.withLock({ $0 }) { source.resume() }
        source.cancel()
    }

    /// Forgets what has happened so far, our own writes among it, and signals at the next commit. After this, look whether there is
    /// work before waiting: a commit just before is forgotten too.
    package func arm() {
        drain()
        isArmed.withLock { isArmed in
            guard !isArmed else { return }
            isArmed = true
            source.resume()
        }
    }

    /// Watches the log, or the folder that it may come to be in; watching one again changes nothing. False, with errno set, where neither is possible.
    @discardableResult
    private static func look(_ descriptor: Int32, log: String, folder: String) -> Bool {
        // A log that is removed while SQLite has it open shows in its attributes alone: its count of names.
        let changes = UInt32(IN_MODIFY) | UInt32(IN_ATTRIB) | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF)
        if inotify_add_watch(descriptor, log, changes) >= 0 { return true }
        guard errno == ENOENT else { return false }
        // Until the first of anything: what comes may be the log.
        let arrivals = UInt32(IN_CREATE) | UInt32(IN_MOVED_TO) | UInt32(IN_ONESHOT)
        guard inotify_add_watch(descriptor, folder, arrivals) >= 0 else { return false }
        // It may have come in between.
        _ = inotify_add_watch(descriptor, log, changes)
        return true
    }

    /// Reads all events; true when the log was written to, or may have been.
    @discardableResult
    private func drain() -> Bool {
        var isAbout = false
        var isReplaced = false
        withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: MemoryLayout<inotify_event>.alignment) { buffer in
            guard let base = buffer.baseAddress else { return }
            while true {
                let count = read(descriptor, base, buffer.count)
                guard count > 0 else { return }
                var offset = 0
                while offset < count {
                    let event = base.advanced(by: offset).assumingMemoryBound(to: inotify_event.self)
                    if event.pointee.mask & UInt32(IN_MODIFY) == 0 { isReplaced = true }
                    isAbout = true
                    offset += MemoryLayout<inotify_event>.size + Int(event.pointee.len)
                }
            }
        }
        if isReplaced { Self.look(descriptor, log: log, folder: folder) }
        return isAbout
    }
}
