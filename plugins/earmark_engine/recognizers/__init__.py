"""Speech to text: what a recogniser is, worker processes to run one in, and the two that come along."""
