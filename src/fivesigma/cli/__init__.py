"""The command line: one short file per verb, over the functions of `verbs`."""
