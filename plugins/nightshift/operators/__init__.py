"""One operator a file, named as its task: reads its context, calls one function of `include`, returns its result."""
