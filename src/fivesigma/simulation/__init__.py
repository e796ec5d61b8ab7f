"""Physics to events: proton collisions with Pythia and FastJet, and muons in an endcap spectrometer."""
