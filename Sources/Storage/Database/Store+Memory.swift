import CMemory
import GRDB
import GRDBSQLite

extension Store {
    /// To be called at the start of a process, before it works. With a heap a thread, as glibc has it, most of what a large rollup took stays with
    /// them for good, since only the first heap's end is ever given back: 29 to 77 MB after five million rows, of which 1.5 MB were in use. With one
    /// heap it is 6 MB, the peak is 102 MB in place of 130 to 140, and the rollup is not slower.
    package static func keepOneHeap() { cmemory_keep_one_heap() }

    /// To be called when a long piece of work is done: gives back the pages that the connections keep, what the allocator keeps of all that was
    /// freed, and the pages of the program that only the start and that work needed. By themselves all three stay.
    package func releaseMemory() async {
        await writer.releaseMemory()
        for reader in readers {
            await withCheckedContinuation { continuation in
                reader.asyncWriteWithoutTransaction { db in
                    sqlite3_db_release_memory(db.sqliteConnection)
                    continuation.resume()
                }
            }
        }
        cmemory_trim_heap()
        cmemory_release_program()
    }
}
