"""What is measured, each in a process of its own: contenders that answer the requests of `benchmarks.worker`."""
