/// What an attempt takes of `TALLYD_WEBHOOK_IN_FLIGHT`, of which a place stands for a payload and 16 KiB of memory: as many places as the worst needs that
/// a receiver can do.
///
/// Of a thousand at as many origins, each of which has a client and a context of TLS of its own, one that hangs takes 30 kB over http and 75 to 105 kB over
/// https. Where the response stops after 16 KiB of headers, a body and half its trailers it takes 100 and 182 kB (release build, glibc 2.36; the latter with
/// three RSA certificates shown).
package enum AttemptWeight {
    package static let overHTTP = 7
    package static let overTLS = 12
    /// Of a place, beside the payload.
    static let placeBytes = 16 * 1_024
}
