"""From a KerasModel to a flatbuffer; runs in a child process, since a conversion can kill its own."""
