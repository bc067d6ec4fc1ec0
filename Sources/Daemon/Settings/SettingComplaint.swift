/// What is wrong with a value and what to write instead, as the end of a sentence that begins with the setting's name.
///
/// It does not repeat the value: a kind does not know whether that is a secret.
struct SettingComplaint: Error, Hashable {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }
}
