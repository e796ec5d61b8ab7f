"""Events → Events + Recipe: splitting, balancing and preprocessing fitted on training events only."""
