"""A trained network as a file that other software runs: what it computes, the formats, and the check against the network."""
