"""From sentences to what matters: questions, action items, follow-ups, topics, entities, sentiment, trackers."""
