/// What is wrong with a request, as the end of a sentence.
struct ControlComplaint: Error, Hashable {
    let sentence: String

    init(_ sentence: String) {
        self.sentence = sentence
    }
}
