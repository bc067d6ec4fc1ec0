import Dispatch
import Foundation
package import Logging
import Storage
import Synchronization

/// Signals when another program commits: every commit in WAL mode writes to the -wal file, and inotify says so without polling.
///
/// Armed for one signal at a time, so that a gateway with thousands of commits a second costs one wake-up and not thousands. Where inotify is not to be
/// had (its limits, an unusual file system), nothing is signalled and the interval alone drives the lane.
package final class DatabaseWatch: Sendable {
    private let descriptor: Int32
    private let name: String
    // Set once, and a dispatch source may be used from any thread; the type just isn't declared Sendable on Linux.
    nonisolated(unsafe) private let source: any DispatchSourceRead
    private let isArmed = Mutex(false)

    /// Nil when the folder can't be watched; says so in the log.
    package init?(database: String, signal: WakeSignal, logger: Logger) {
        let folder = Store.folder(of: database)
        name = (database.split(separator: "/").last.map(String.init) ?? database) + "-wal"
        let file = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        descriptor = file
        guard descriptor >= 0,
            inotify_add_watch(descriptor, folder.isEmpty ? "." : folder, UInt32(IN_MODIFY) | UInt32(IN_CREATE)) >= 0
        else {
            logger.warning(
                "no early wakes: the database's folder can't be watched",
                metadata: [
                    "cause": "\(String(cString: strerror(errno)))", "remedy": "raise fs.inotify.max_user_watches",
                ])
            if descriptor >= 0 { close(descriptor) }
            return nil
        }
        let queue = DispatchQueue(label: "tallyd.watch")
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: queue)
        source.setEventHandler { [weak self] in
            guard let self, Self.drain(descriptor, for: name) else { return }
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
        _ = Self.drain(descriptor, for: name)
        isArmed.withLock { isArmed in
            guard !isArmed else { return }
            isArmed = true
            source.resume()
        }
    }

    /// Reads all events; true when one was about the file.
    private static func drain(_ descriptor: Int32, for name: String) -> Bool {
        var isAbout = false
        withUnsafeTemporaryAllocation(byteCount: 4_096, alignment: MemoryLayout<inotify_event>.alignment) { buffer in
            guard let base = buffer.baseAddress else { return }
            while true {
                let count = read(descriptor, base, buffer.count)
                guard count > 0 else { return }
                var offset = 0
                while offset < count {
                    let event = base.advanced(by: offset).assumingMemoryBound(to: inotify_event.self)
                    let text = base.advanced(by: offset + MemoryLayout<inotify_event>.size)
                    if event.pointee.len > 0, String(cString: text.assumingMemoryBound(to: CChar.self)) == name {
                        isAbout = true
                    }
                    offset += MemoryLayout<inotify_event>.size + Int(event.pointee.len)
                }
            }
        }
        return isAbout
    }
}
