"""The models: a body that reads, a head that gives one number, and all that must not change between the two."""

from verifiers.errors import require

# Every file of this folder needs both. Said here once, so that whoever imports one without them reads a pip command.
require("torch", "rm", "A reward model")
require("transformers", "rm", "A reward model")
