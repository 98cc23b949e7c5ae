"""What plugin authors test with: a scripted service, and checks that a stage keeps its side of the contract."""
