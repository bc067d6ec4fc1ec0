/// The journal's socket cannot be used at all.
package struct JournalUnreachable: Error, Equatable, CustomStringConvertible {
    package let path: String

    package var description: String {
        "cannot log to the journal's socket \"\(path)\": it has to be an absolute path below 108 bytes, and the "
            + "process has to be allowed Unix sockets (RestrictAddressFamilies=AF_UNIX in the unit)."
    }
}
