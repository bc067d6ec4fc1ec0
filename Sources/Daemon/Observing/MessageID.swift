/// Stable 128-bit ids of journal events, so that `journalctl MESSAGE_ID=…` finds a kind of event whatever its words become.
/// Made once at random (`systemd-id128 new`) and never reused.
package enum MessageID {
    package static let started = "cdd54c039cf44b49991b1b42464062d3"
    package static let stopped = "eb2ab481610f487eb0ad6fd78bc1487a"
    package static let rolledUp = "8787e22ac9354fbbaa0c14f9e68f426c"
    package static let jobFailed = "1100eee8df4c42119227d243cd01e34a"
    package static let rowsSetAside = "eabb87eee8d149dc8c4113222097c6d4"
    package static let retentionRan = "8236867ec0784cb7a8122731e278bfa4"
    package static let retentionWaits = "d3813a1e0b3e437e9f8f49526f5af73f"
    package static let archiveTaken = "0fa40cb8dca64dadb8f0ab0fed7f9739"
    package static let migrated = "ca5969f412b5450b964cd64a630ff9aa"
    package static let crashFound = "2fc0a5ae44604f628d03fb82d7459892"
    package static let loopLate = "538e14c072da4386b4a6022f1e7f11eb"
    package static let leaseTaken = "78f9a4c7417d414da5cd25f6d84c4ecf"
    package static let leaseLost = "4a7ae1d39ec04241b8bcf09354750f5c"
    package static let reloaded = "de30f6c4b03f46fea7b60eb071942ebf"
    package static let reloadRefused = "b3afc1d8a500407b8c7e7acbad46be82"
    package static let controlUnavailable = "8e42c753365244dd8eedcaa2384cc86d"
    package static let endpointDisabled = "c0a444e0d6f6b037c18891687b4211e4"
    package static let webhooksGivenUp = "491e262e37414230892040c415850508"
    package static let webhooksWait = "e22b4ed5ac0c5fa5c0e49c275af569f1"
    package static let linesHeld = "99f5a33e99a643f0a045d0ec56bb3351"
}
