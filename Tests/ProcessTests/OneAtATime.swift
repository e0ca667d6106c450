// The suite of all process tests: one after another, since each of them wants the machine's two processors for itself.
import Testing

@Suite(.serialized) enum OneAtATime {}
