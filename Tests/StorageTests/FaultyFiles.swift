import Foundation
import Storage
import Synchronization

/// The system's calls, of which some fail.
///
/// Counted are the calls that an archive's safety rests on. Not among them: to remove a file, and to close one that was opened to be read.
final class FaultyFiles: Sendable {
    enum Fault {
        /// Every call works.
        case none
        /// The n-th call fails, counted from 1.
        case call(Int, code: Int32)
        /// The n-th call fails, and so does every later one, and removing files.
        case allFrom(Int, code: Int32)
        /// Each call is cut short by a signal once, and works when it is made again.
        case interrupted
    }

    private struct State {
        var calls = 0
        var struck: String?
        var written: Set<Int32> = []
        var wasInterrupted = false
    }

    private let fault: Fault
    private let longestTransfer: Int
    private let state = Mutex(State())

    /// - Parameter longestTransfer: no read or write moves more bytes.
    init(_ fault: Fault, longestTransfer: Int = .max) {
        self.fault = fault
        self.longestTransfer = longestTransfer
    }

    /// The name of the first call that failed.
    var struck: String? { state.withLock { $0.struck } }
    var calls: Int { state.withLock { $0.calls } }

    private func count(_ name: String) throws(ArchiveFiles.Failure) {
        let code: Int32? = state.withLock { state in
            if case .interrupted = fault {
                state.wasInterrupted.toggle()
                if state.wasInterrupted { return EINTR }
            }
            state.calls += 1
            switch fault {
            case .call(let number, let code) where state.calls == number,
                .allFrom(let number, let code) where state.calls >= number:
                state.struck = state.struck ?? name
                return code
            default:
                return nil
            }
        }
        if let code { throw ArchiveFiles.Failure(code: code) }
    }

    private func failAfterStrike() throws(ArchiveFiles.Failure) {
        if case .allFrom(_, let code) = fault, struck != nil { throw ArchiveFiles.Failure(code: code) }
    }

    var files: ArchiveFiles {
        let system = ArchiveFiles.system
        var files = system
        files.openToWrite = { path throws(ArchiveFiles.Failure) in
            try self.count("openToWrite")
            let file = try system.openToWrite(path)
            self.state.withLock { _ = $0.written.insert(file) }
            return file
        }
        files.openToRead = { path throws(ArchiveFiles.Failure) in
            try self.count("openToRead")
            return try system.openToRead(path)
        }
        files.openFolder = { path throws(ArchiveFiles.Failure) in
            try self.count("openFolder")
            return try system.openFolder(path)
        }
        files.read = { file, bytes throws(ArchiveFiles.Failure) in
            try self.count("read")
            return try system.read(
                file, UnsafeMutableRawBufferPointer(rebasing: bytes.prefix(self.longestTransfer)))
        }
        files.write = { file, bytes throws(ArchiveFiles.Failure) in
            try self.count("write")
            return try system.write(file, UnsafeRawBufferPointer(rebasing: bytes.prefix(self.longestTransfer)))
        }
        files.fsync = { file throws(ArchiveFiles.Failure) in
            try self.count("fsync")
            try system.fsync(file)
        }
        files.close = { file throws(ArchiveFiles.Failure) in
            // Like the real one it takes the descriptor away, whatever it answers.
            try system.close(file)
            guard self.state.withLock({ $0.written.remove(file) }) != nil else { return }
            try self.count("close")
        }
        files.rename = { from, to throws(ArchiveFiles.Failure) in
            // rename(2) knows no EINTR.
            if case .interrupted = self.fault {} else { try self.count("rename") }
            try system.rename(from, to)
        }
        files.unlink = { path throws(ArchiveFiles.Failure) in
            try self.failAfterStrike()
            try system.unlink(path)
        }
        return files
    }
}
