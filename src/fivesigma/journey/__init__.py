"""The verbs, each a function: explore, train, evaluate, predict, report, compare, and run, which is all of them."""
